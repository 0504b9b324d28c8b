// Listeners on real sockets, with a network filter that says which chain took the connection.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { after, test } from 'node:test'
import { connect as connectSecure } from 'node:tls'
import { create, type JsonValue } from '@bufbuild/protobuf'
import { AnySchema, StringValueSchema } from '@bufbuild/protobuf/wkt'
import { FakeClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { SeededRandom } from '../../base/random.ts'
import { InheritableNetwork } from '../../transport/net/inheritable-network.ts'
import type { Network } from '../../transport/net/network.ts'
import { systemNetwork } from '../../transport/net/system-network.ts'
import { freePort } from '../../transport/net/testing/free-port.ts'
import { WITHOUT_IPV6 } from '../../transport/net/testing/ipv6.ts'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import { unpackAny } from '../../xds/any-pack.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import type { NetworkFilterFactory, NetworkFilterHost } from '../filters/network/contract/network-filter.ts'
import { downstreamTls, listener } from '../mesh-fixture.ts'
import { NO_OVERLOAD } from '../overload/overload-manager.ts'
import { LOOP_LIMITS } from '../process-limits/loop-limits.ts'
import { createStats } from '../stats/stats-store.ts'
import { SecretStore } from '../transport-socket/secret-store.ts'
import { ListenerManager } from './listener-manager.ts'

const authority = await TestAuthority.create()
const workload = await authority.issueSpiffe('spiffe://cluster.local/ns/default/sa/a')

/** Greets with its name and what it knows of the connection, then echoes; drain ends connections at their next bytes. */
class GreetingFilter {
  readonly routeConfigurations: readonly string[]
  readonly #greeting: string
  activeConnections = 0
  drained = false

  constructor(greeting: string) {
    this.#greeting = greeting
    this.routeConfigurations = greeting.startsWith('rds:') ? [greeting.slice(4)] : []
  }

  onConnection(socket: Socket, info: ConnectionInfo, early: Buffer | null): void {
    socket.write(
      `${this.#greeting}|${info.tls ? `${info.alpn}|${info.requestedServerName}|${info.peer?.uriSan}` : 'plain'}|${early ?? ''}\n`,
    )
    socket.on('data', bytes => socket.write(bytes))
    socket.on('error', () => {})
  }

  drain(): void {
    this.drained = true
  }
}

const filters: GreetingFilter[] = []
const GREETING: NetworkFilterFactory = {
  name: 'greeting',
  typeUrl: 'type.googleapis.com/google.protobuf.StringValue',
  terminal: true,
  compile(typedConfig, path) {
    const greeting = unpackAny(create(AnySchema, typedConfig), StringValueSchema)?.value ?? ''
    if (greeting === 'bad') {
      return {
        ok: false,
        problems: [{ code: 'WEFT-4002', severity: 'error', path: `${path}.value`, message: 'bad greeting' }],
      }
    }
    const filter = new GreetingFilter(greeting)
    filters.push(filter)
    return { ok: true, value: filter }
  },
}

const greet = (greeting: string, more: { [key: string]: JsonValue } = {}): JsonValue => ({
  filters: [{ name: 'greeting', typed_config: { '@type': GREETING.typeUrl, value: greeting } }],
  ...more,
})

const managers: ListenerManager[] = []
const clients: Socket[] = []
after(async () => {
  for (const client of clients) client.destroy()
  for (const manager of managers) await manager.close()
})

function setUp(options: { maxConnections?: number; areClustersChecked?: () => boolean; network?: Network } = {}) {
  const clock = new FakeClock()
  const stats = createStats()
  const routeTables = new Map<string, never>()
  const secrets = new SecretStore()
  const filterHost = {
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    stats: stats.root,
    limits: LOOP_LIMITS,
    routeTables,
    overload: NO_OVERLOAD,
  } as unknown as NetworkFilterHost
  const manager = new ListenerManager({
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    network: options.network ?? systemNetwork,
    filterHost,
    secrets,
    areClustersChecked: options.areClustersChecked ?? (() => true),
    networkFilters: new Map([[GREETING.typeUrl, GREETING]]),
    drainTimeMs: 1000,
    maxConnections: options.maxConnections ?? 100,
  })
  managers.push(manager)
  const portOf = async (name: string): Promise<number> => {
    await manager.settled()
    return manager.status().find(status => status.name === name)?.port ?? 0
  }
  return { clock, stats, routeTables, secrets, manager, portOf }
}

/** A connection, and the line with which it is greeted. */
async function greeted(port: number, send = ''): Promise<{ line: string; socket: Socket }> {
  const socket = systemNetwork.connect('127.0.0.1', port)
  clients.push(socket)
  if (send) socket.write(send)
  return { line: await firstLine(socket), socket }
}

async function firstLine(socket: Socket): Promise<string> {
  socket.on('error', () => {})
  const bytes = await Promise.race([
    once(socket, 'data').catch(() => ['closed\n']),
    once(socket, 'close').then(() => ['closed\n']),
  ])
  return String(bytes[0]).split('\n')[0]!
}

async function greetedSecurely(port: number, alpn: string[], servername = 'reviews'): Promise<string> {
  const socket = connectSecure({
    port,
    host: '127.0.0.1',
    servername,
    ALPNProtocols: alpn,
    rejectUnauthorized: false,
    key: workload.privateKey,
    cert: workload.certificateChain,
  })
  clients.push(socket)
  return firstLine(socket)
}

test('an update swaps the chains in place: same port, open connections live on, the chain that went is drained', async () => {
  const { manager, portOf, clock, stats } = setUp()
  assert.deepEqual(manager.update([listener('l', [greet('one')])], []), [])
  const port = await portOf('l')
  const first = await greeted(port)
  assert.equal(first.line, 'one|plain|')
  const filter = filters.at(-1)!
  assert.deepEqual(manager.update([listener('l', [greet('two')])], []), [])
  assert.equal(await portOf('l'), port)
  assert.equal((await greeted(port)).line, 'two|plain|')
  assert.ok(filter.drained)
  first.socket.write('still here')
  assert.equal(await firstLine(first.socket), 'still here')
  assert.equal(stats.value('listener_manager.listener_modified'), 1)
  const closed = once(first.socket, 'close')
  clock.advance(1000)
  await closed
})

test('a chain whose config stays is kept through an update', async () => {
  const { manager, portOf } = setUp()
  const kept = greet('kept', { filter_chain_match: { destination_port: 1 } })
  manager.update([listener('l', [kept, greet('old')])], [])
  await portOf('l')
  const [keptFilter, oldFilter] = filters.slice(-2)
  const made = filters.length
  manager.update([listener('l', [kept, greet('new')])], [])
  assert.equal(filters.length, made + 1)
  assert.deepEqual([keptFilter?.drained, oldFilter?.drained], [false, true])
})

test('a listener renamed keeps its port without a gap, and two names for one address are a problem', async () => {
  const { manager, portOf } = setUp()
  const port = await freePort()
  manager.update([listener('old', [greet('old')], {}, port)], [])
  await portOf('old')
  const [problem] = manager.update([listener('rival', [greet('rival')], {}, port)], [])
  assert.equal(problem?.message, `127.0.0.1:${port} is bound by listener old already`)
  assert.deepEqual(manager.update([listener('new', [greet('new')], {}, port)], ['old']), [])
  assert.equal((await greeted(port)).line, 'new|plain|')
})

test('once drained nothing is bound again, whatever comes', async () => {
  const { manager, clock } = setUp()
  const port = await freePort()
  manager.update(
    [
      listener('l', [greet('one')], {}, port),
      listener('w', [greet('two', { transport_socket: downstreamTls() })], {}, 0),
    ],
    [],
  )
  await manager.settled()
  assert.equal(manager.status().find(({ name }) => name === 'w')?.state, 'warming')
  await manager.drain()
  manager.update([listener('l', [greet('three')], {}, port)], [])
  clock.advance(60_000)
  await manager.settled()
  await assert.rejects(once(systemNetwork.connect('127.0.0.1', port), 'connect'), { code: 'ECONNREFUSED' })
  assert.deepEqual(
    manager.status().map(({ state }) => state),
    ['warming', 'warming'],
  )
})

test('a removed listener releases its port', async () => {
  const { manager, portOf } = setUp()
  manager.update([listener('l', [greet('one')])], [])
  const port = await portOf('l')
  manager.update([], ['l'])
  const again = await systemNetwork.listen('127.0.0.1', port, () => {})
  await again.close()
  assert.deepEqual(manager.status(), [])
})

test('a listener waits for its routes; the version before serves meanwhile', async () => {
  const { manager, portOf, routeTables, stats } = setUp()
  manager.update([listener('l', [greet('one')])], [])
  const port = await portOf('l')
  manager.update([listener('l', [greet('rds:r')])], [])
  assert.deepEqual(manager.routeNames(), ['r'])
  assert.equal(stats.value('listener_manager.total_listeners_warming'), 1)
  assert.equal((await greeted(port)).line, 'one|plain|')
  routeTables.set('r', {} as never)
  manager.resourcesArrived()
  assert.equal((await greeted(port)).line, 'rds:r|plain|')
})

test('a version after the other does not put a listener off', async () => {
  const { manager, clock } = setUp()
  manager.update([listener('l', [greet('rds:none')])], [])
  clock.advance(14_000)
  manager.update([listener('l', [greet('rds:neither')])], [])
  clock.advance(999)
  assert.deepEqual([manager.routeNames(), manager.ready], [['neither'], false])
  clock.advance(1)
  await manager.settled()
  assert.equal(manager.ready, true)
})

test('the first listeners wait for checks of clusters, and no other does', async () => {
  let checked = false
  const { manager, portOf } = setUp({ areClustersChecked: () => checked })
  manager.update([listener('l', [greet('one')])], [])
  assert.equal(manager.status()[0]?.state, 'warming')
  checked = true
  manager.resourcesArrived()
  const port = await portOf('l')
  checked = false
  manager.update([listener('l', [greet('two')])], [])
  assert.equal((await greeted(port)).line, 'two|plain|')

  const late = setUp({ areClustersChecked: () => false })
  late.manager.update([listener('a', [greet('a')])], [])
  late.clock.advance(5000)
  late.manager.update([listener('b', [greet('b')])], [])
  late.clock.advance(10_000)
  await late.manager.settled()
  assert.equal(late.manager.ready, true, 'what the first has waited for none waits for again')
})

test('a port in use is a problem, and is tried again', async () => {
  const { manager, clock, stats } = setUp()
  const active = () => stats.value('listener_manager.total_listeners_active')
  const blocker = await systemNetwork.listen('127.0.0.1', 0, () => {})
  manager.update([listener('l', [greet('one')], {}, blocker.port)], [])
  const [problem] = await manager.settled()
  assert.equal(problem?.message, `cannot bind '127.0.0.1:${blocker.port}': Address already in use`)
  assert.equal(active(), 0)
  await blocker.close()
  clock.advance(1000)
  while (manager.status()[0]?.state !== 'active') await new Promise(resolve => setImmediate(resolve))
  assert.equal(active(), 1)
  assert.equal((await greeted(blocker.port)).line, 'one|plain|')
})

test('what makes a listener active hears whether it is bound; of older failures only those who ask for all', async () => {
  const { manager, routeTables } = setUp()
  const blocker = await systemNetwork.listen('127.0.0.1', 0, () => {})
  manager.update([listener('l', [greet('rds:r')], {}, blocker.port)], [])
  assert.deepEqual(await manager.bound(true), [], 'it waits for its routes first')
  routeTables.set('r', {} as never)
  manager.resourcesArrived()
  const reason = `Listener l: cannot bind '127.0.0.1:${blocker.port}': Address already in use`
  const heard = async (all: boolean): Promise<string[]> =>
    (await manager.bound(all)).map(({ object, message }) => `${object}: ${message}`)
  assert.deepEqual(await heard(false), [reason])
  assert.deepEqual([await heard(false), await heard(true)], [[], [reason]])
  assert.equal(manager.ready, false)
  manager.update([], ['l'])
  assert.deepEqual([await heard(true), manager.ready], [[], true])
  await blocker.close()
})

test('a port that a predecessor has to leave first is no reason to wait with the start, but not bound before', async () => {
  const network = new InheritableNetwork(systemNetwork, [])
  const { manager } = setUp({ network })
  const port = await freePort()
  manager.update([listener('l', [greet('one')], {}, port), listener('m', [greet('two')], {}, await freePort())], [])
  assert.deepEqual(await manager.settled(), [])
  const states = (): string[] => manager.status().map(({ name, state }) => `${name} ${state}`)
  assert.deepEqual([states(), manager.ready], [['l warming', 'm warming'], true])
  const order: string[] = []
  const bound = manager.bound(true).then(() => order.push('bound'))
  assert.deepEqual(await manager.bound(false), [], 'what else comes does not wait for it')
  manager.update([], ['m'])
  order.push('leave')
  await network.bindPostponed()
  await bound
  assert.deepEqual([order, states()], [['leave', 'bound'], ['l active']])
  assert.equal((await greeted(port)).line, 'one|plain|')
})

const FAMILIES = '0.0.0.0 and :: are two listeners of one port, and :: alone is IPv6 only but with ipv4_compat'
test(FAMILIES, { skip: WITHOUT_IPV6 }, async () => {
  const { manager, portOf } = setUp()
  const at = (address: string, port: number, more: { [key: string]: JsonValue } = {}) => ({
    address: { socket_address: { address, port_value: port, ...more } },
  })
  const from = async (host: string, port: number): Promise<string> => {
    const socket = systemNetwork.connect(host, port)
    clients.push(socket)
    return firstLine(socket)
  }
  // What the system gives out for the one family may be somebody else's in the other.
  const port = await freePort()
  manager.update([listener('six', [greet('six')], at('::', port))], [])
  assert.equal(await portOf('six'), port)
  assert.deepEqual([await from('127.0.0.1', port), await from('::1', port)], ['closed', 'six|plain|'])
  assert.deepEqual(manager.update([listener('four', [greet('four')], at('0.0.0.0', port))], []), [])
  assert.equal(await portOf('four'), port)
  assert.deepEqual([await from('127.0.0.1', port), await from('::1', port)], ['four|plain|', 'six|plain|'])
  manager.update([listener('both', [greet('both')], at('::', 0, { ipv4_compat: true }))], [])
  const shared = await portOf('both')
  assert.deepEqual([await from('127.0.0.1', shared), await from('::1', shared)], ['both|plain|', 'both|plain|'])
  assert.equal(manager.status().find(({ name }) => name === 'both')?.address, '::')
})

test('PERMISSIVE: TLS and plaintext on one port, told apart without losing a byte', async () => {
  const { manager, portOf, secrets } = setUp()
  const alpn = ['istio', 'istio-http/1.1']
  const chains = [
    greet('mesh', {
      filter_chain_match: { transport_protocol: 'tls', application_protocols: alpn },
      transport_socket: downstreamTls(),
    }),
    greet('plain', { filter_chain_match: { transport_protocol: 'raw_buffer' } }),
  ]
  manager.update([listener('l', chains)], [])
  assert.equal(manager.status()[0]?.state, 'warming')
  secrets.setKeyPair('default', workload)
  secrets.setTrustedCa('ROOTCA', authority.bundle)
  const port = await portOf('l')
  assert.equal((await greeted(port, 'GET /')).line, 'plain|plain|GET /')
  assert.equal(await greetedSecurely(port, ['istio']), 'mesh|istio|reviews|spiffe://cluster.local/ns/default/sa/a|')
  assert.equal(await greetedSecurely(port, ['h2']), 'closed')
})

test('STRICT: plaintext is closed and counted; a client with a foreign ALPN is served without one', async () => {
  const { manager, portOf, secrets, stats } = setUp()
  secrets.setKeyPair('default', workload)
  secrets.setTrustedCa('ROOTCA', authority.bundle)
  manager.update([listener('l', [greet('mesh', { transport_socket: downstreamTls() })])], [])
  const port = await portOf('l')
  assert.equal((await greeted(port, 'GET / HTTP/1.1\r\n\r\n')).line, 'closed')
  assert.equal(stats.value('listener.127.0.0.1_0.ssl.connection_error'), 1)
  assert.equal(await greetedSecurely(port, ['foreign'], 'Other'), 'mesh||other|spiffe://cluster.local/ns/default/sa/a|')
})

test('connections beyond the limit are closed and counted', async () => {
  const { manager, portOf, stats } = setUp({ maxConnections: 1 })
  manager.update([listener('l', [greet('one')])], [])
  const port = await portOf('l')
  const first = await greeted(port)
  assert.equal((await greeted(port)).line, 'closed')
  assert.equal(stats.value('listener.127.0.0.1_0.downstream_global_cx_overflow'), 1)
  first.socket.destroy()
  while (manager.activeConnections > 0) await new Promise(resolve => setImmediate(resolve))
  assert.equal((await greeted(port)).line, 'one|plain|')
})

test('a client that says nothing to the inspector is closed after the timeout', async () => {
  const { manager, portOf, clock, stats } = setUp()
  const match = { filter_chain_match: { transport_protocol: 'raw_buffer' } }
  const inspector = {
    name: 't',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector' },
  }
  manager.update(
    [listener('l', [greet('one', match)], { listener_filters: [inspector], listener_filters_timeout: '2s' })],
    [],
  )
  const silent = systemNetwork.connect('127.0.0.1', await portOf('l'))
  silent.on('error', () => {}).resume()
  while (manager.activeConnections === 0) await new Promise(resolve => setImmediate(resolve))
  const closed = once(silent, 'close')
  clock.advance(2000)
  await closed
  assert.equal(stats.value('listener.127.0.0.1_0.downstream_pre_cx_timeout'), 1)
})

test('a handshake has its time from the first byte on, which may never come', async () => {
  const { manager, portOf, secrets, clock, stats } = setUp()
  secrets.setKeyPair('default', workload)
  secrets.setTrustedCa('ROOTCA', authority.bundle)
  const tls = { transport_socket: downstreamTls(), transport_socket_connect_timeout: '4s' }
  // As Istio's listeners: what the inspectors wait for has no limit, and goes on without it.
  const waiting = { listener_filters_timeout: '0s', continue_on_listener_filters_timeout: true }
  manager.update([listener('l', [greet('mesh', tls)], waiting)], [])
  const port = await portOf('l')
  const half = [Buffer.of(), Buffer.of(22, 3, 1, 0, 200)].map(bytes => {
    const client = systemNetwork.connect('127.0.0.1', port)
    client.on('error', () => {}).resume()
    client.write(bytes)
    return client
  })
  while (manager.activeConnections < 2) await new Promise(resolve => setImmediate(resolve))
  const closed = half.map(client => new Promise(resolve => client.once('close', resolve)))
  clock.advance(4000)
  await Promise.all(closed)
  assert.equal(stats.value('listener.127.0.0.1_0.downstream_cx_transport_socket_connect_timeout'), 2)
})

test('a client that has not said hello when its chain goes is gone with it', async () => {
  const { manager, portOf, secrets, clock } = setUp()
  secrets.setKeyPair('default', workload)
  secrets.setTrustedCa('ROOTCA', authority.bundle)
  const tls = { transport_socket: downstreamTls(), transport_socket_connect_timeout: '0s' }
  manager.update([listener('l', [greet('mesh', tls)])], [])
  const client = systemNetwork.connect('127.0.0.1', await portOf('l'))
  client.on('error', () => {}).resume()
  while (manager.activeConnections < 1) await new Promise(resolve => setImmediate(resolve))
  manager.update([listener('l', [greet('one')])], [])
  clock.advance(1000)
  await new Promise(resolve => client.once('close', resolve))
  assert.equal(manager.activeConnections, 0)
})

test('every fault of a listener is named', () => {
  const { manager } = setUp()
  const twins = [greet('one'), greet('bad'), greet('two')]
  const problems = manager.update([listener('l', twins, { freebind: true, listener_filters: [{ name: 'odd' }] })], [])
  assert.deepEqual(
    problems.map(({ path }) => path),
    [
      'freebind',
      'filter_chains[1].filters[0].typed_config.value',
      'filter_chains[1].filter_chain_match',
      'listener_filters[0]',
    ],
  )
})
