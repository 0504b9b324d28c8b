// Hot restarts of a proxy with several event loops, under load of every protocol: nothing short fails, and what lasts
// longer goes on with the process that took it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { ProxyLine } from '../../src/main/testing/proxy-line.ts'
import { freePort } from '../../src/transport/net/testing/free-port.ts'
import { TestAuthority } from '../../src/transport/tls/certificate-fixture.ts'
import { Http2RestartClient, type RestartClient, tcpClient, upgradeClient } from './restart-clients.ts'

const TYPE = 'type.googleapis.com/envoy.extensions'
const folder = mkdtempSync(join(tmpdir(), 'weft-restart-'))
const config = join(folder, 'bootstrap.json')
const authority = await TestAuthority.create()
const keyPair = await authority.issue({ names: [{ type: 'dns', value: 'app.test' }] })
const sockets = new Set<{ destroy(): unknown }>()

const echo = createTcp({ allowHalfOpen: true }, socket => socket.on('error', () => {}).pipe(socket))
const http1 = createHttp((incoming, response) => void incoming.pipe(response)).on('upgrade', (_request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
  socket.on('error', () => {}).pipe(socket)
})
const http2 = createHttp2().on('stream', (stream: ServerHttp2Stream) => {
  stream.on('error', () => {})
  stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.pipe(stream)
})
const servers: readonly Server[] = [echo, http1, http2]
for (const server of servers) {
  server.on('connection', socket => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}
after(() => {
  rmSync(folder, { recursive: true })
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
})

let line: ProxyLine
let clients: readonly RestartClient[] = []
afterEach(() => {
  line.end()
  for (const client of clients) client.close()
})

const at = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } })

function cluster(name: string, server: Server, options: object = {}): object {
  const address = at((server.address() as AddressInfo).port)
  return {
    name,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    ...options,
  }
}

const HTTP2_UPSTREAM = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
}

function manager(): object {
  const routes = [
    {
      match: { connect_matcher: {} },
      route: { cluster: 'echo', timeout: '0s', upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] },
    },
    { match: { prefix: '/ws' }, route: { cluster: 'http1', timeout: '0s' } },
    { match: { prefix: '/' }, route: { cluster: 'http2', timeout: '0s' } },
  ]
  return {
    name: 'http',
    typed_config: {
      '@type': `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: 'front',
      upgrade_configs: [{ upgrade_type: 'websocket' }],
      http2_protocol_options: { allow_connect: true },
      route_config: { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], routes }] },
      http_filters: [{ name: 'router', typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` } }],
    },
  }
}

const TLS = {
  name: 'tls',
  typed_config: {
    '@type': `${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext`,
    common_tls_context: {
      alpn_protocols: ['h2', 'http/1.1'],
      tls_certificates: [
        {
          certificate_chain: { inline_string: keyPair.certificateChain },
          private_key: { inline_string: keyPair.privateKey },
        },
      ],
    },
  },
}

const TCP_PROXY = {
  name: 'tcp',
  typed_config: { '@type': `${TYPE}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 'tcp', cluster: 'echo' },
}

async function start(...args: readonly string[]): Promise<void> {
  const [plain, secure, tcp] = [await freePort(), await freePort(), await freePort()]
  const bootstrap = {
    admin: { address: at(0) },
    static_resources: {
      listeners: [
        { name: 'plain', address: at(plain), filter_chains: [{ filters: [manager()] }] },
        { name: 'secure', address: at(secure), filter_chains: [{ filters: [manager()], transport_socket: TLS }] },
        { name: 'tcp', address: at(tcp), filter_chains: [{ filters: [TCP_PROXY] }] },
      ],
      clusters: [cluster('echo', echo), cluster('http1', http1), cluster('http2', http2, HTTP2_UPSTREAM)],
    },
  }
  writeFileSync(config, JSON.stringify(bootstrap))
  line = await ProxyLine.start(config, '--concurrency', '2', ...args)
  const grpc = { ':method': 'POST', ':path': '/grpc', 'content-type': 'application/grpc', te: 'trailers' }
  const connect = { ':method': 'CONNECT', ':authority': 'app.test:80' }
  const { bundle: ca } = authority
  clients = [
    tcpClient(tcp),
    upgradeClient(plain, null),
    upgradeClient(secure, { ca }),
    new Http2RestartClient('grpc', plain, grpc),
    new Http2RestartClient('grpc over TLS', secure, grpc, { ca }),
    // HBONE's shape.
    new Http2RestartClient('tunnel', secure, connect, { ca }),
  ]
}

async function restarted(times: number): Promise<void> {
  process.kill(line.pid, 'SIGUSR2')
  await line.says(new RegExp(`(the successor is live.*){${times}}`, 's'))
}

test('two restarts under load of every protocol; each conversation under way goes on', async () => {
  await start('--drain-time-s', '60')
  const lasting = await Promise.all(clients.map(client => client.open()))
  let running = true
  let rounds = 0
  const load = clients.map(async client => {
    while (running) {
      await client.once().catch(error => assert.fail(`${client.name}: ${error.message}`))
      rounds++
    }
  })
  for (const times of [1, 2]) {
    const before = rounds
    await restarted(times)
    while (rounds < before + 50) await Promise.race([new Promise(resolve => setTimeout(resolve, 10)), ...load])
    for (const conversation of lasting) await conversation.sayAndHear()
  }
  running = false
  await Promise.all(load)
  assert.equal(line.first.exitCode, null)
  await Promise.all(lasting.map(conversation => conversation.end()))
  assert.equal(await line.firstEnded, 0)
})

test('what outlasts the parent shutdown time is cut, and that alone', async () => {
  await start('--drain-time-s', '0', '--parent-shutdown-time-s', '1')
  const lasting = await Promise.all(clients.map(client => client.open()))
  for (const conversation of lasting) await conversation.sayAndHear()
  await restarted(1)
  await Promise.all(clients.map(client => client.once()))
  assert.equal(await line.firstEnded, 0)
  for (const conversation of lasting) await assert.rejects(conversation.sayAndHear(), /ended before/)
  await Promise.all(clients.map(client => client.once()))
})
