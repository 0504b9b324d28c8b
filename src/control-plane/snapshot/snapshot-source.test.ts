import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onBug } from '../../base/bug.ts'
import { FakeClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { NO_LOCALITY } from '../../model/locality.ts'
import { DEFAULT_MESH_CONFIG } from '../../model/mesh-config.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { MeshInput } from '../../translate/link/mesh-input.ts'
import { parseConfig } from '../../translate/parse-config.ts'
import { SnapshotSource } from './snapshot-source.ts'

const EMPTY: MeshInput = { objects: [], services: [], workloads: [], meshConfig: DEFAULT_MESH_CONFIG }
const NODE: ProxyNode = {
  id: 'sidecar~127.0.0.1~a.default~default.svc.cluster.local',
  kind: 'sidecar',
  name: 'a',
  namespace: 'default',
  labels: {},
  locality: NO_LOCALITY,
  workload: null,
}

test('input that cannot be linked leaves the generation before in force, and says so', () => {
  const said: string[] = []
  onBug(message => said.push(message))
  let input: () => MeshInput = () => EMPTY
  const source = new SnapshotSource({
    clock: new FakeClock(),
    log: silentLog,
    input: () => input(),
    revision: () => 7,
    trustBundle: 'PEM',
  })
  const before = source.snapshotFor(NODE, 'envoy')
  assert.ok(before)
  input = () => assert.fail('cannot be linked')
  source.rebuild()
  assert.equal(source.generation, before.generation)
  assert.match(said[0]!, /linking revision 7 failed: .*cannot be linked/)
  assert.equal(source.snapshotFor(NODE, 'envoy')?.sets.cluster.version, before.sets.cluster.version)
  input = () => EMPTY
  source.rebuild()
  assert.equal(source.generation, before.generation + 1)
})

/** Istio answers what is sent there 503, or closes it. */
test('rules that send to what nobody knows hold nothing back', () => {
  for (const [protocol, rules] of [
    ['HTTP', 'http'],
    ['TCP', 'tcp'],
  ] as const) {
    const destinations =
      '{destination: {host: nowhere}, weight: 1}, {destination: {host: a.example.com, subset: no}, weight: 1}'
    const text = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a}
spec:
  hosts: [a.example.com]
  ports: [{number: 7000, name: p, protocol: ${protocol}}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec: {hosts: [a.example.com], ${rules}: [{route: [${destinations}]}]}
`
    const { objects, problems } = parseConfig([{ file: 'a.yaml', text }], { defaultNamespace: 'default' })
    assert.deepEqual(problems, [])
    const source = new SnapshotSource({
      clock: new FakeClock(),
      log: silentLog,
      input: () => ({ ...EMPTY, objects }),
      revision: () => 1,
      trustBundle: 'PEM',
    })
    assert.ok(source.snapshotFor(NODE, 'envoy'), protocol)
  }
})
