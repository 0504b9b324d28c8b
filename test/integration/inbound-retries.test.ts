// MeshConfig.defaultInboundHttpRetryPolicy, which Istio 1.24 does not know: a sidecar before an application that fails.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../conformance/case-file.ts'
import { runCase } from '../conformance/replay/run-case.ts'

async function outcome(mesh: string, failFirst: number): Promise<Outcome> {
  const [only] = await runCase({
    about: '',
    config: [
      'apiVersion: security.istio.io/v1',
      'kind: PeerAuthentication',
      'metadata: {name: default, namespace: istio-system}',
      'spec: {mtls: {mode: DISABLE}}',
    ],
    mesh: [mesh],
    upstreams: { '127.0.0.1:7280': { name: 'app', failFirst } },
    proxies: { web: { ip: '127.0.0.41', ports: [{ number: 7080, applicationPort: 7280 }] } },
    requests: [{ connectTo: '127.0.0.41:7080', url: 'http://web:7080/' }],
  })
  return only!
}

test("an application's own answer stands, unless the mesh asks for other tries", async () => {
  assert.equal((await outcome('', 1)).status, 503)
  const asked = 'defaultInboundHttpRetryPolicy: {attempts: 2, retryOn: "503", backoff: 1ms}'
  assert.equal((await outcome(asked, 2)).status, 200)
  assert.equal((await outcome(asked, 3)).status, 503)
  assert.equal((await outcome('defaultInboundHttpRetryPolicy: {attempts: 0}', 1)).status, 503)
})
