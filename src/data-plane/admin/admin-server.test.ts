import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect, Socket } from 'node:net'
import { after, test } from 'node:test'
import { AdjustableLog } from '../../base/adjustable-log.ts'
import { FakeClock } from '../../base/clock.ts'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import { ClusterSchema } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { RouteConfigurationSchema } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import {
  boundPort,
  connectionManager,
  listener,
  openProxy,
  parse,
  rds,
  routeConfiguration,
  routes,
  staticCluster,
  TestIdentity,
} from '../mesh-fixture.ts'
import { createNode } from '../xds-client/proxy-node.ts'
import { type AdminSource, answerAdmin, type ServerState } from './admin-pages.ts'
import { AdminServer, adminListener } from './admin-server.ts'

const authority = await TestAuthority.create()
const clock = new FakeClock()
const proxy = openProxy({ clock })
proxy.useIdentity(
  new TestIdentity(await authority.issueSpiffe('spiffe://cluster.local/ns/default/sa/a'), authority.bundle),
)
proxy.apply('cluster', [staticCluster('outbound|9080||reviews', 9080)], [], new Map([['outbound|9080||reviews', 'v7']]))
proxy.apply('listener', [
  listener('out', [{ filters: [connectionManager(rds('http_proxy'))] }]),
  listener('in', [{ filters: [connectionManager({ route_config: routes('r', 'c') })] }]),
])
proxy.apply('route', [routeConfiguration('http_proxy', 'outbound|9080||reviews')])
proxy.apply('listener', [listener('in', [])])
const port = await boundPort(proxy, 'out')
let state: ServerState = 'PRE_INITIALIZING'
const lines: string[] = []
const log = new AdjustableLog('proxy', 'info', clock, line => lines.push(line))
const asked: string[] = []
const facts = { workload: 'a-0', namespace: 'default', serviceAccount: 'a', router: false, labels: { app: 'a' } }
const source: AdminSource = {
  proxy,
  node: createNode(facts, '0.1.0'),
  clock,
  log,
  version: '0.1.0',
  startedAt: clock.wallNow(),
  epoch: 2,
  firstStartedAt: clock.wallNow() - 60_000,
  state: () => state,
  quit: () => asked.push('quit'),
  drainListeners: graceful => asked.push(graceful ? 'drain gracefully' : 'drain'),
  failHealthChecks: failed => asked.push(`fail ${failed}`),
  reopenLogs: () => asked.push('reopen'),
  hotRestart: () => (asked.push('restart') > 1 ? 'a hot restart is under way' : null),
}
const admin = await AdminServer.open('127.0.0.1', 0, source)
after(async () => {
  await admin.close()
  await proxy.close()
})

function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { port: admin.port, host: '127.0.0.1', path, agent: false, ...options },
      async incoming => {
        let body = ''
        for await (const chunk of incoming) body += chunk
        resolve({ status: incoming.statusCode ?? 0, body })
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** Its head is here. */
function openPage(path: string): Promise<[IncomingMessage]> {
  const outgoing = request({ port: admin.port, host: '127.0.0.1', path, agent: false }).end()
  return once(outgoing, 'response') as Promise<[IncomingMessage]>
}

interface Config {
  readonly '@type': string
  readonly [key: string]: unknown
}

async function dump(path = '/config_dump'): Promise<Map<string, Config>> {
  const { configs } = JSON.parse((await ask(path)).body) as { configs: Config[] }
  return new Map(configs.map(config => [config['@type'].split('.').at(-1) ?? '', config]))
}

test('/ready follows the state', async () => {
  assert.deepEqual(await ask('/ready'), { status: 503, body: 'PRE_INITIALIZING\n' })
  state = 'LIVE'
  assert.deepEqual(await ask('/ready'), { status: 200, body: 'LIVE\n' })
})

test('/config_dump has the parts of Envoy, in its order, endpoints when asked for', async () => {
  assert.deepEqual(
    [...(await dump()).keys()],
    [
      'BootstrapConfigDump',
      'ClustersConfigDump',
      'ListenersConfigDump',
      'ScopedRoutesConfigDump',
      'RoutesConfigDump',
      'SecretsConfigDump',
    ],
  )
  assert.ok((await dump('/config_dump?include_eds')).has('EndpointsConfigDump'))
})

test('resources are printed with version and time, a refused update beside what serves', async () => {
  const configs = await dump()
  const clusters = configs.get('ClustersConfigDump')?.['dynamic_active_clusters'] as Record<string, unknown>[]
  assert.equal(clusters[0]?.['version_info'], 'v7')
  assert.equal((clusters[0]!['cluster'] as Record<string, unknown>)['connect_timeout'], '60s')
  const listeners = configs.get('ListenersConfigDump')?.['dynamic_listeners'] as Record<
    string,
    Record<string, unknown>
  >[]
  const inbound = listeners.find(({ name }) => String(name) === 'in')
  assert.ok(inbound?.['active_state'])
  assert.match(String(inbound?.['error_state']?.['details']), /no filter chains specified/)
  const routesDump = configs.get('RoutesConfigDump')?.['dynamic_route_configs'] as Record<
    string,
    Record<string, unknown>
  >[]
  assert.equal(routesDump[0]?.['route_config']?.['name'], 'http_proxy')
})

test('secrets are printed without their keys', async () => {
  const { body } = await ask('/config_dump')
  const secrets = (await dump()).get('SecretsConfigDump')?.['dynamic_active_secrets'] as { name: string }[]
  assert.deepEqual(
    secrets.map(({ name }) => name),
    ['default', 'ROOTCA'],
  )
  const key = proxy.secrets.keyPair('default')?.privateKey ?? ''
  assert.ok(!body.includes(Buffer.from(key).toString('base64').slice(0, 60)))
  assert.ok(body.includes(Buffer.from('[redacted]').toString('base64')))
})

test('/clusters and /listeners in both forms', async () => {
  const text = (await ask('/clusters')).body
  assert.match(text, /^outbound\|9080\|\|reviews::127\.0\.0\.1:9080::health_flags::healthy$/m)
  assert.match(text, /^outbound\|9080\|\|reviews::127\.0\.0\.1:9080::cx_total::0$/m)
  const clusters = JSON.parse((await ask('/clusters?format=json')).body) as {
    cluster_statuses: { host_statuses: unknown[] }[]
  }
  assert.equal(clusters.cluster_statuses[0]?.host_statuses.length, 1)
  assert.match((await ask('/listeners')).body, new RegExp(`^out::127\\.0\\.0\\.1:${port}$`, 'm'))
  assert.match((await ask('/listeners?format=json')).body, /listener_statuses/)
})

test('/stats is filtered in linear time, and refuses what is no pattern', async () => {
  assert.match(
    (await ask('/stats?filter=listener_manager.*active')).body,
    /^listener_manager\.total_listeners_active: 2\n$/,
  )
  assert.equal((await ask('/stats?filter=(')).status, 400)
  assert.equal((await ask('/stats?format=xml')).status, 400)
  assert.equal((await ask('/stats?type=counters')).status, 400)
  assert.doesNotMatch((await ask('/stats?filter=listener_manager&invert_filter')).body, /^listener_manager/m)
  assert.notEqual((await ask('/stats?invert_filter')).body, '')
  assert.equal(
    (await ask('/stats?filter=listener_manager&usedonly&type=Counters')).body,
    'listener_manager.listener_added: 2\n',
  )
  assert.equal((await ask(`/stats?filter=${'(a%2B)%2B'.repeat(20)}%24`)).status, 200)
  assert.match(
    (await ask('/stats/prometheus?filter=total_listeners_active')).body,
    /envoy_listener_manager_total_listeners_active 2/,
  )
  assert.ok(JSON.parse((await ask('/stats?format=json')).body))
})

test('a large page lets others have their turn, and a reader that leaves it is no failure', async () => {
  const { root } = proxy.stats
  const scope = root.scope('large', {}).lease()
  for (let i = 0; i < 40_000; i++) scope.counter(`stat_${i}`)
  const many = Array.from({ length: 10_000 }, (_, i) => i)
  const socketAddress = (i: number) => ({ address: `10.0.${i >> 8}.${i & 255}`, port_value: 80 })
  const endpoints = many.map(i => ({ endpoint: { address: { socket_address: socketAddress(i) } } }))
  const table = { match: { prefix: '/' }, route: { cluster: 'large' } }
  proxy.apply('cluster', [
    parse(ClusterSchema, {
      name: 'large',
      load_assignment: { cluster_name: 'large', endpoints: [{ lb_endpoints: endpoints }] },
    }),
  ])
  proxy.apply('route', [
    parse(RouteConfigurationSchema, {
      name: 'large',
      virtual_hosts: [{ name: 'v', domains: ['*'], routes: many.map(() => table) }],
    }),
  ])
  for (const path of [
    ...['/stats', '/stats?format=json', '/stats/prometheus'],
    ...['/clusters', '/clusters?format=json', '/config_dump'],
  ]) {
    const { body } = await answerAdmin(source, 'GET', new URL(path, 'http://a'))
    assert.ok(typeof body !== 'string', path)
    assert.ok(Math.max(...Array.from(body, piece => piece.length)) < 200_000, path)
    const [page] = await openPage(path)
    let isWhole = false
    page.resume().once('end', () => {
      isWhole = true
    })
    await ask('/ready')
    assert.equal(isWhole, false, path)
    await once(page, 'end')
  }
  const before = lines.length
  const [page] = await openPage('/stats')
  page.destroy()
  assert.match((await ask('/stats?filter=large.*_39999')).body, /^large\.stat_39999: 0\n$/)
  assert.equal(lines.length, before)
  scope.return()
  proxy.apply('cluster', [], ['large'])
  proxy.apply('route', [], ['large'])
})

test('a page that fails by half is cut, so that nobody takes it for whole, and the log says why', async () => {
  const scope = proxy.stats.root.scope('large', {}).lease()
  for (let i = 0; i < 5000; i++) scope.counter(`stat_${i}`)
  scope.computedGauge('zz', () => {
    throw new Error('no value today')
  })
  const [page] = await openPage('/stats')
  await assert.rejects(page.toArray(), { code: 'ECONNRESET' })
  assert.match(lines.at(-1)!, /admin page failed.*no value today/)
  lines.length = 0
  scope.return()
})

test('a connection that stalls is not kept', async ({ mock }) => {
  mock.method(Socket.prototype, 'setTimeout', function (this: Socket, ms: number): Socket {
    // In the place of the minute.
    if (this.localPort === admin.port && ms === 60_000) setImmediate(() => this.emit('timeout'))
    return this
  })
  const client = connect(admin.port, '127.0.0.1').resume()
  await once(client, 'close')
})

test('/server_info names the node', async () => {
  clock.advance(3000)
  const info = JSON.parse((await ask('/server_info')).body) as {
    state: string
    uptime_current_epoch: string
    node: { id: string }
  }
  assert.deepEqual([info.state, info.uptime_current_epoch], ['LIVE', '3s'])
  assert.equal(info.node.id, 'sidecar~127.0.0.1~a-0.default~default.svc.cluster.local')
})

test('what changes something is asked by POST', async () => {
  assert.equal((await ask('/quitquitquit')).status, 405)
  assert.deepEqual(await ask('/quitquitquit', { method: 'POST' }), { status: 200, body: 'OK\n' })
  await ask('/drain_listeners', { method: 'POST' })
  await ask('/drain_listeners?graceful&skip_exit', { method: 'POST' })
  await ask('/healthcheck/fail', { method: 'POST' })
  await ask('/healthcheck/ok', { method: 'POST' })
  await ask('/reopen_logs', { method: 'POST' })
  assert.deepEqual(asked, ['quit', 'drain', 'drain gracefully', 'fail true', 'fail false', 'reopen'])
  assert.match((await ask('/logging?level=debug', { method: 'POST' })).body, /weft: debug/)
  log.debug('now seen')
  assert.equal(lines.length, 1)
  assert.equal((await ask('/logging?level=loud', { method: 'POST' })).status, 400)
})

test('at an address that is meant for other machines any name will do', async () => {
  const open = createServer(adminListener('0.0.0.0', source)).listen(0, '127.0.0.1')
  await once(open, 'listening')
  const status = await new Promise(resolve => {
    const headers = { host: 'prometheus.example' }
    const { port } = open.address() as AddressInfo
    request({ port, host: '127.0.0.1', path: '/ready', agent: false, headers }, response => {
      response.resume()
      resolve(response.statusCode)
    }).end()
  })
  assert.equal(status, 200)
  open.close()
})
