// Mirrors compared through a whole proxy: what its config says, what it counts, what its admin interface shows.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { AdjustableLog } from '../base/adjustable-log.ts'
import { FakeClock } from '../base/clock.ts'
import { RouteConfigurationSchema } from '../xds/generated/envoy/config/route/v3/route_pb.ts'
import { answerAdmin } from './admin/admin-pages.ts'
import { exchange } from './http/testing/raw-client.ts'
import { rawUpstream } from './http/testing/raw-upstream.ts'
import { boundPort, connectionManager, listener, openProxy, parse, rds, staticCluster } from './mesh-fixture.ts'
import { createNode } from './xds-client/proxy-node.ts'

const ends: (() => Promise<unknown>)[] = []
after(async () => {
  for (const end of ends) await end()
})

function routes(comparison: JsonValue) {
  const route = { cluster: 'main', request_mirror_policies: [{ cluster: 'shadow' }] }
  const metadata = { filter_metadata: { 'weft.dev': { mirror_comparison: comparison } } }
  const all = [{ name: 'all', match: { prefix: '/' }, metadata, route }]
  return parse(RouteConfigurationSchema, {
    name: 'r',
    virtual_hosts: [{ name: 'v', domains: ['*'], routes: all }],
  })
}

async function open(main: string, mirror: string, comparison: JsonValue) {
  const answering = (fields: string) => () => `HTTP/1.1 200 OK\r\ncontent-length: 1\r\n${fields}\r\nx`
  const [upstream, shadow] = [await rawUpstream(answering(main)), await rawUpstream(answering(mirror))]
  const proxy = openProxy({ clock: new FakeClock() })
  ends.push(
    () => proxy.close(),
    () => upstream.close(),
    () => shadow.close(),
  )
  proxy.apply('cluster', [staticCluster('main', upstream.port), staticCluster('shadow', shadow.port)])
  proxy.apply('listener', [listener('out', [{ filters: [connectionManager(rds('r'))] }])])
  const problems = proxy.apply('route', [routes(comparison)])
  const port = await boundPort(proxy, 'out')
  const stat = (name: string) => proxy.stats.value(`cluster.shadow.mirror_comparison.${name}`)
  return { proxy, port, problems, stat }
}

test('a difference is counted under the mirror’s cluster, and shown by every event loop', async () => {
  const comparison = { ignored_headers: ['x-time'], max_body_bytes: 100 }
  const { proxy, port, problems, stat } = await open('x-time: 1\r\nx-a: 1\r\n', 'x-time: 2\r\nx-a: 2\r\n', comparison)
  assert.deepEqual(problems, [])
  await exchange(port, 'GET /a?b=c HTTP/1.1\r\nhost: a\r\n\r\n')
  while (stat('headers_differ') !== 1) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(['match', 'status_differs', 'body_differs', 'not_comparable'].map(stat), [0, 0, 0, 0])
  const clock = new FakeClock()
  const facts = { workload: 'a-0', namespace: 'default', serviceAccount: 'a', router: false, labels: {} }
  const reply = await answerAdmin(
    {
      proxy,
      node: createNode(facts, '1'),
      clock,
      log: new AdjustableLog('a', 'info', clock, () => {}),
      version: '1',
      startedAt: 0,
      epoch: 0,
      firstStartedAt: 0,
      state: () => 'LIVE',
      quit: () => {},
      drainListeners: () => {},
      failHealthChecks: () => {},
      reopenLogs: () => {},
      hotRestart: () => null,
      workers: {
        report: async function* () {},
        mirrorDifferences: async () => [proxy.mirrorDifferences.last],
        resetCounters: () => {},
        setLogLevel: () => {},
      },
    },
    'GET',
    new URL('http://a/mirror_differences'),
  )
  const { differences } = JSON.parse(`${reply.body}`)
  assert.equal(differences.length, 2) // the same one of two loops
  assert.deepEqual(
    { ...differences[0], request_id: '' },
    {
      at: new Date(clock.wallNow()).toISOString(),
      request_id: '',
      route: 'all',
      upstream: 'main',
      mirror: 'shadow',
      method: 'GET',
      path: '/a',
      status: null,
      headers: { 'x-a': { answer: '(not shown)', mirror: '(not shown)' } },
      body: null,
    },
  )
})

test('what differs from answer to answer is no difference', async () => {
  const { proxy, port, stat } = await open('date: 1\r\nx-request-id: 1\r\n', 'date: 2\r\nserver: s\r\n', {})
  await exchange(port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  while (stat('match') !== 1) await new Promise(resolve => setImmediate(resolve))
  assert.equal(stat('headers_differ'), 0)
  proxy.apply('cluster', [], ['shadow'])
  assert.equal(stat('match'), undefined, 'goes with its cluster')
})

test('what it cannot honour is refused by name', async () => {
  const said = { headers: [1], ignored_headers: 'a', max_body_bytes: -1, more: true }
  const { problems } = await open('', '', said)
  const at = 'virtual_hosts[0].routes[0].metadata.filter_metadata[weft.dev].mirror_comparison'
  assert.deepEqual(
    problems.map(({ path }) => path?.replace(at, '')),
    ['.more', '.headers', '.ignored_headers', '.max_body_bytes'],
  )
  assert.equal((await open('', '', [])).problems[0]?.path, at)
})
