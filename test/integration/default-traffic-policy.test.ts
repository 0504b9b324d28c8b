// MeshConfig.defaultTrafficPolicy, which Istio 1.24 does not know.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { type Answer, send } from '../conformance/replay/client.ts'
import { listenOnLoopback } from '../conformance/replay/loopback-network.ts'
import { sidecarBefore } from './one-service.ts'

const rule = (policy: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec: {host: reviews, trafficPolicy: {${policy}}}
`

/** One after the other: an endpoint that fails, as a client sees it. */
async function statuses(mesh: string, config: string): Promise<(number | undefined)[]> {
  const upstream = createServer((_, response) => response.writeHead(500).end())
  const { proxy, port } = await sidecarBefore({ mesh, config, endpoint: await listenOnLoopback(upstream) })
  const answers: Answer[] = []
  try {
    for (let i = 0; i < 3; i++) answers.push(await send(port, { url: 'http://reviews:7080/' }, `${i}`))
  } finally {
    await proxy.stop()
    upstream.close()
  }
  return answers.map(({ status }) => status)
}

const DETECTION = 'outlierDetection: {consecutive5xxErrors: 2, maxEjectionPercent: 100}'
const PATIENT = 'outlierDetection: {consecutive5xxErrors: 9}'

test('a block that no rule has is the mesh’s; one that a rule has is the rule’s alone', async () => {
  const mesh = `defaultTrafficPolicy: {${DETECTION}}`
  const ejected = [500, 500, 503]
  const never = [500, 500, 500]
  assert.deepEqual(await statuses('', ''), never)
  assert.deepEqual(await statuses(mesh, ''), ejected)
  assert.deepEqual(await statuses(mesh, rule('loadBalancer: {simple: RANDOM}')), ejected)
  assert.deepEqual(await statuses(mesh, rule(PATIENT)), never)
  // What a port's entry leaves out falls to the mesh, past the rule.
  const ofPort = `${PATIENT}, portLevelSettings: [{port: {number: 7080}, loadBalancer: {simple: RANDOM}}]`
  assert.deepEqual(await statuses(mesh, rule(ofPort)), ejected)
})

test('limits of the mesh’s connection pool hold, too', async () => {
  const answers: (() => void)[] = []
  const upstream = createServer((_, response) => void answers.push(() => response.end()))
  const arrived = new Promise(done => upstream.once('request', done))
  const mesh = 'defaultTrafficPolicy: {connectionPool: {http: {http2MaxRequests: 1}}}'
  const { proxy, port } = await sidecarBefore({ mesh, endpoint: await listenOnLoopback(upstream) })
  try {
    const first = send(port, { url: 'http://reviews:7080/' }, 'first')
    await arrived
    assert.equal((await send(port, { url: 'http://reviews:7080/' }, 'second')).status, 503)
    for (const answer of answers) answer()
    assert.equal((await first).status, 200)
  } finally {
    await proxy.stop()
    upstream.close()
  }
})
