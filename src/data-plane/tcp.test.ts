// TCP through whole proxies: SNI routing of TLS that is not ended, mTLS between sidecars, PROXY headers, server-first
// protocols behind inspectors.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { connect as connectSecure, createServer as createSecureServer, type TLSSocket } from 'node:tls'
import type { JsonValue } from '@bufbuild/protobuf'
import { FakeClock } from '../base/clock.ts'
import { freePort } from '../transport/net/testing/free-port.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { entry, extension, hello, length16, nameExtension } from '../transport/tls/client-hello-fixture.ts'
import {
  boundPort,
  connectionManager,
  downstreamTls,
  listener,
  listenerFilter,
  openProxy,
  routes,
  staticCluster,
  TestIdentity,
  tcpProxy,
  upstreamTls,
} from './mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from './proxy.ts'

const SERVER = 'spiffe://cluster.local/ns/default/sa/server'
const CLIENT = 'spiffe://cluster.local/ns/default/sa/client'
const authority = await TestAuthority.create()
const servers: { close(): unknown }[] = []
const sockets: Socket[] = []
const proxies: DataPlaneProxy[] = []
after(async () => {
  for (const proxy of proxies) await proxy.close()
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
})

/** A server, and the port that it is bound to. */
async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function serveTls(name: string): Promise<number> {
  const { privateKey, certificateChain } = await authority.issueSpiffe(SERVER)
  const server = createSecureServer({ key: privateKey, cert: certificateChain }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.end(`${name} got ${socket.servername}`)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const echo = (socket: Socket): void => void socket.pipe(socket)

interface Opened {
  readonly proxy: DataPlaneProxy
  readonly port: number
  readonly lines: string[]
}

async function open(
  clusters: Readonly<Record<string, number>>,
  chains: readonly JsonValue[],
  more: { [key: string]: JsonValue } = {},
  clock?: FakeClock,
): Promise<Opened> {
  const lines: string[] = []
  const proxy = openProxy({ onLogLine: line => void lines.push(line), ...(clock && { clock }) })
  proxies.push(proxy)
  const messages = Object.entries(clusters).map(([name, port]) => staticCluster(name, port))
  assert.deepEqual(proxy.apply('cluster', messages), [])
  assert.deepEqual(proxy.apply('listener', [listener('l', chains, more)]), [])
  return { proxy, port: await boundPort(proxy, 'l'), lines }
}

function dial(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  socket.on('error', () => {})
  sockets.push(socket)
  return socket
}

async function everything(socket: Socket | TLSSocket): Promise<string> {
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  await new Promise(resolve => socket.once('end', resolve).once('close', resolve))
  return text
}

/** Connections whose inspection has begun. */
function accepted(proxy: DataPlaneProxy): number {
  return proxy.stats.value('listener.127.0.0.1_0.downstream_cx_total') ?? 0
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve))
}

const LOG = (format: string): JsonValue => [
  {
    name: 'log',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path: '/log',
      log_format: { text_format_source: { inline_string: format } },
    },
  },
]

const SNI_CHAINS = [
  { filters: [tcpProxy('a')], filter_chain_match: { server_names: ['a.example'] } },
  { filters: [tcpProxy('b')], filter_chain_match: { server_names: ['*.b.example'] } },
]

test('TLS that is not ended here goes by its server name, with a hello of many segments, too', async () => {
  const { port, proxy } = await open({ a: await serveTls('a'), b: await serveTls('b') }, SNI_CHAINS)
  for (const [servername, answer] of [
    ['a.example', 'a got a.example'],
    ['x.b.example', 'b got x.b.example'],
  ] as const) {
    const secure = connectSecure({
      port,
      host: '127.0.0.1',
      servername,
      ca: authority.bundle,
      checkServerIdentity: () => undefined,
    })
    sockets.push(secure)
    assert.equal(await everything(secure), answer)
  }
  const stranger = connectSecure({ port, host: '127.0.0.1', servername: 'c.example' })
  stranger.on('error', () => {})
  assert.equal(await everything(stranger), '')
  assert.equal(proxy.stats.value('listener.127.0.0.1_0.no_filter_chain_match'), 1)

  // A client whose segments hold a byte or a few: relayed by a server that writes them one by one.
  const slow = await serve(client => {
    const onward = dial(port)
    client.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += 7) onward.write(chunk.subarray(at, at + 7))
    })
    client.on('end', () => onward.end())
    onward.pipe(client)
  })
  const secure = connectSecure({ port: slow, host: '127.0.0.1', servername: 'a.example', rejectUnauthorized: false })
  sockets.push(secure)
  assert.equal(await everything(secure), 'a got a.example')
})

test('sni_cluster: the server name is the cluster', async () => {
  const sniCluster = {
    name: 'envoy.filters.network.sni_cluster',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster' },
  }
  const a = 'outbound_.443_._.a.default.svc.cluster.local'
  const chain = { filters: [sniCluster, tcpProxy('BlackHole')], filter_chain_match: { transport_protocol: 'tls' } }
  const { port, proxy } = await open({ [a]: await serveTls('a') }, [chain])
  const ask = (servername: string): Promise<string> => {
    const secure = connectSecure({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
    secure.on('error', () => {})
    sockets.push(secure)
    return everything(secure)
  }
  assert.equal(await ask(a), `a got ${a}`)
  assert.equal(await ask('nobody'), '')
  assert.equal(proxy.stats.value('tcp.test.downstream_cx_no_route'), 1)
})

/** Which of `SNI_CHAINS` and the chains for what has no such name takes a connection that begins so; empty: none. */
async function routed(bytes: Buffer): Promise<{ readonly answer: string; readonly proxy: DataPlaneProxy }> {
  const say = (name: string) => serve(socket => void socket.once('data', () => socket.end(name)))
  const rest = [
    { filters: [tcpProxy('tls')], filter_chain_match: { transport_protocol: 'tls' } },
    { filters: [tcpProxy('raw')], filter_chain_match: { transport_protocol: 'raw_buffer' } },
  ]
  const clusters = { a: await say('a'), b: await say('b'), tls: await say('tls'), raw: await say('raw') }
  const { port, proxy } = await open(clusters, [...SNI_CHAINS, ...rest])
  const client = dial(port)
  client.write(bytes)
  return { answer: await everything(client), proxy }
}

test('a hello beyond 16 KiB is not let past the chain that its server name leads to', async () => {
  const large: readonly Buffer[] = [
    hello({ padding: 20_000 }),
    // Envoy takes the next two for plaintext, and the servers behind it may not.
    hello({ padding: 20_000, recordBytes: 4_000 }),
    hello({ padding: 16_300, recordBytes: 100 }),
    hello({ padding: 3_000, recordBytes: 1 }),
  ]
  for (const bytes of large) {
    const { answer, proxy } = await routed(bytes)
    assert.equal(answer, '')
    assert.equal(proxy.stats.value('tls_inspector.client_hello_too_large'), 1)
  }
  const fitting = hello({ padding: 16_384 - hello({ padding: 0 }).length })
  assert.equal(fitting.length, 16_384)
  assert.equal((await routed(fitting)).answer, 'a')
})

test('a hello is read as the servers behind would, warnings and empty records included', async () => {
  const warning = Buffer.from([0x15, 3, 1, 0, 2, 1, 112])
  const empty = Buffer.from([0x16, 3, 1, 0, 0])
  const plain = hello()
  const split = hello({ recordBytes: 50 })
  for (const first of [warning, empty]) {
    assert.equal((await routed(Buffer.concat([first, plain]))).answer, 'a')
    assert.equal((await routed(Buffer.concat([split.subarray(0, 55), first, split.subarray(55)]))).answer, 'a')
  }
  assert.equal((await routed(hello({ protocols: Buffer.from([0, 9, 9]) }))).answer, 'a')
})

test('a hello of two minds is no TLS, as in Envoy: with two names, two extensions of a type, or a NUL', async () => {
  const [a, b] = [nameExtension('a.example'), nameExtension('x.b.example')]
  const two = Buffer.concat([entry('a.example'), entry('x.b.example')])
  const minds: readonly Buffer[] = [
    hello({ names: [a, b] }),
    hello({ names: [b, a] }),
    hello({ names: [a, extension(0x1234), extension(0x1234)] }),
    hello({ names: [extension(0, Buffer.concat([length16(two), two]))] }),
    hello({
      names: [extension(0, Buffer.concat([length16(entry('a.example')), entry('a.example'), Buffer.alloc(1)]))],
    }),
    hello({ names: [nameExtension('a.example\0.b.example')] }),
    hello({ names: [nameExtension(`${'x'.repeat(255)}.b.example`)] }),
    hello({ names: [nameExtension('')] }),
  ]
  for (const [index, bytes] of minds.entries()) assert.equal((await routed(bytes)).answer, 'raw', `${index}`)
  assert.equal((await routed(hello({ names: [] }))).answer, 'tls')
})

test('two sidecars: TLS is begun by one and ended by the other, and a FIN goes through both', async () => {
  const inbound = openProxy()
  const outbound = openProxy()
  proxies.push(inbound, outbound)
  inbound.useIdentity(new TestIdentity(await authority.issueSpiffe(SERVER), authority.bundle))
  outbound.useIdentity(new TestIdentity(await authority.issueSpiffe(CLIENT), authority.bundle))
  inbound.apply('cluster', [staticCluster('app', await serve(echo))])
  const chain = { filters: [tcpProxy('app')], transport_socket: downstreamTls() }
  assert.deepEqual(inbound.apply('listener', [listener('in', [chain])]), [])
  outbound.apply('cluster', [staticCluster('peer', await boundPort(inbound, 'in'), upstreamTls([SERVER]))])
  assert.deepEqual(outbound.apply('listener', [listener('out', [{ filters: [tcpProxy('peer')] }])]), [])
  const client = dial(await boundPort(outbound, 'out'))
  const text = 'x'.repeat(300_000)
  client.end(text)
  assert.equal((await everything(client)).length, text.length)
  await until(() => inbound.listeners.activeConnections + outbound.listeners.activeConnections === 0)
})

test('a listener that is replaced lets its TCP connections go on until the drain time is over', async () => {
  const clock = new FakeClock()
  const { port, proxy } = await open({ a: await serve(echo) }, [{ filters: [tcpProxy('a')] }], {}, clock)
  const client = dial(port)
  client.write('1')
  assert.equal(String((await once(client, 'data'))[0]), '1')
  proxy.apply('listener', [], ['l'])
  client.write('2')
  assert.equal(String((await once(client, 'data'))[0]), '2')
  const end = everything(client)
  clock.advance(45_000)
  assert.equal(await end, '')
})

test('a PROXY header gives the connection its addresses, and chains are matched by them', async () => {
  const format =
    '%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%\n'
  const range = (address_prefix: string): JsonValue => [{ address_prefix, prefix_len: 32 }]
  const { port, proxy, lines } = await open(
    { a: await serve(echo), b: await serve(socket => socket.end('b')) },
    [
      {
        filters: [tcpProxy('a', { access_log: LOG(format) })],
        filter_chain_match: { source_prefix_ranges: range('1.2.3.4'), direct_source_prefix_ranges: range('127.0.0.1') },
      },
      {
        filters: [tcpProxy('b')],
        filter_chain_match: { direct_source_prefix_ranges: range('127.0.0.1') },
      },
    ],
    { listener_filters: [listenerFilter('proxy_protocol'), listenerFilter('tls_inspector')] },
  )
  const client = dial(port)
  for (const byte of 'PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n') client.write(byte)
  client.end('hello')
  assert.equal(await everything(client), 'hello')
  const other = dial(port)
  other.end('PROXY TCP4 1.2.3.5 5.6.7.8 1111 2222\r\nhello')
  assert.equal(await everything(other), 'b')
  const refused = dial(port)
  refused.write('hello')
  assert.equal(await everything(refused), '')
  assert.equal(proxy.stats.value('downstream_cx_proxy_proto_error'), 1)
  await proxy.close()
  assert.deepEqual(lines, ['1.2.3.4:1111 5.6.7.8:2222 127.0.0.1\n'])
})

/** As Istio's outbound listeners on a port of unknown protocol: HTTP by its first bytes, else TCP. */
const SNIFFING = (tcp: { [key: string]: JsonValue }): JsonValue[] => [
  {
    filters: [connectionManager({ route_config: routes('r', 'http') })],
    filter_chain_match: { application_protocols: ['http/1.1', 'h2c'], transport_protocol: 'raw_buffer' },
  },
  { ...tcp, filter_chain_match: { transport_protocol: 'raw_buffer' } },
]
const INSPECTORS = [listenerFilter('tls_inspector'), listenerFilter('http_inspector')]
const PATIENT = {
  listener_filters: INSPECTORS,
  listener_filters_timeout: '0s',
  continue_on_listener_filters_timeout: true,
}

test('a server that speaks first is heard at once, though inspectors wait for the client', async () => {
  const clock = new FakeClock()
  const tcp = await serve(socket => socket.write('220 ready'))
  const { port, proxy } = await open({ tcp }, SNIFFING({ filters: [tcpProxy('tcp')] }), PATIENT, clock)
  const client = dial(port)
  await until(() => accepted(proxy) === 1)
  clock.advance(20)
  assert.equal(String((await once(client, 'data'))[0]), '220 ready')
  assert.equal(proxy.stats.value('tcp.test.downstream_cx_total'), 1)
  assert.equal(proxy.stats.value('cluster.tcp.upstream_cx_total'), 1)
})

test('a client that speaks first decides as ever: HTTP drops the connection made ahead, TCP uses it', async () => {
  const clock = new FakeClock()
  const served: Socket[] = []
  const tcp = await serve(socket => {
    served.push(socket)
    echo(socket)
  })
  const http = await serve(socket => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))
  })
  const { port, proxy } = await open({ tcp, http }, SNIFFING({ filters: [tcpProxy('tcp')] }), PATIENT, clock)
  const asking = dial(port)
  await until(() => accepted(proxy) === 1)
  clock.advance(20)
  await until(() => served.length === 1)
  const closed = once(served[0]!, 'close')
  asking.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  assert.match(await everything(asking), /ok$/)
  await closed
  assert.equal(proxy.stats.value('tcp.test.downstream_cx_total'), 0)

  const plain = dial(port)
  await until(() => accepted(proxy) === 2)
  clock.advance(20)
  await until(() => served.length === 2)
  plain.end('\0\x01binary')
  assert.equal(await everything(plain), '\0\x01binary')
  assert.equal(proxy.stats.value('cluster.tcp.upstream_cx_total'), 2)
  assert.equal(proxy.stats.value('tcp.test.downstream_cx_total'), 1)
})

test('nothing is connected ahead where silence is not sure to end in one TCP chain', async () => {
  const tcp = await serve(echo)
  const chain = { filters: [tcpProxy('tcp')] }
  const identity = new TestIdentity(await authority.issueSpiffe(SERVER), authority.bundle)
  const cases: readonly (readonly [string, JsonValue[], { [key: string]: JsonValue }])[] = [
    ['silent clients are closed', SNIFFING(chain), { ...PATIENT, continue_on_listener_filters_timeout: false }],
    ['the chain ends TLS', SNIFFING({ ...chain, transport_socket: downstreamTls() }), PATIENT],
    ['a PROXY header may come', SNIFFING(chain), { ...PATIENT, listener_filters: [listenerFilter('proxy_protocol')] }],
    ['it ends in HTTP', SNIFFING({ filters: [connectionManager({ route_config: routes('r', 'tcp') })] }), PATIENT],
  ]
  for (const [name, chains, more] of cases) {
    const clock = new FakeClock()
    const { port, proxy } = await open({ tcp }, chains, more, clock)
    proxy.useIdentity(identity)
    const client = dial(await boundPort(proxy, 'l'))
    assert.ok(port >= 0)
    await until(() => accepted(proxy) === 1)
    clock.advance(14_000)
    assert.equal(proxy.stats.value('cluster.tcp.upstream_cx_total'), 0, name)
    client.destroy()
  }
})

test('an upstream that cannot be reached ahead changes nothing for the client', async () => {
  const clock = new FakeClock()
  const dead = await freePort()
  const http = await serve(socket => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))
  })
  const { port, proxy } = await open({ tcp: dead, http }, SNIFFING({ filters: [tcpProxy('tcp')] }), PATIENT, clock)
  const client = dial(port)
  await until(() => accepted(proxy) === 1)
  clock.advance(20)
  await until(() => proxy.stats.value('cluster.tcp.upstream_cx_connect_fail') === 1)
  client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  assert.match(await everything(client), /ok$/)
})
