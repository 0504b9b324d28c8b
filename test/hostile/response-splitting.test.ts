// Text that ends up in a head and comes from elsewhere: a TLS hello, or the config. A line end in it would begin a field,
// or a message, that nobody sent.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectSecure } from 'node:tls'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { HTTP_CONNECTION_MANAGER } from '../../src/data-plane/filters/network/http-connection-manager/factory.ts'
import { compileTunnel } from '../../src/data-plane/filters/network/tcp-proxy/tunnel.ts'
import { connectionManager, FakeStats, fakeHost } from '../../src/data-plane/http/testing/fake-proxy.ts'
import {
  boundPort,
  listener,
  listenerFilter,
  openProxy,
  staticCluster,
  tcpProxy,
} from '../../src/data-plane/mesh-fixture.ts'
import type { StreamInfo } from '../../src/data-plane/stream-info.ts'
import type { HttpConnectionManagerSchema } from '../../src/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { TcpProxy_TunnelingConfigSchema } from '../../src/xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import { ResourceCheck } from '../../src/xds/resource-check.ts'

async function listen(onConnection: (socket: Socket) => void) {
  const server = createServer(onConnection).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

/** A real hello, with another server name of as many bytes: no client library would send such a one. */
async function helloFor(name: string): Promise<Buffer> {
  const placeholder = 'a'.repeat(name.length)
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const { server, port } = await listen(socket => {
    socket.once('data', (bytes: Buffer) => {
      resolve(bytes)
      socket.destroy()
    })
  })
  const client = connectSecure({ port, host: '127.0.0.1', servername: placeholder })
  client.on('error', () => {})
  const hello = await promise
  server.close()
  hello.write(name, hello.indexOf(placeholder), 'latin1')
  return hello
}

/** What the upstream of a tunnel reads as its CONNECT. */
async function tunnelHead(serverName: string, hostname: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const upstream = await listen(socket => {
    let text = ''
    socket.on('error', () => {})
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      if (text.endsWith('\r\n\r\n')) resolve(text)
    })
  })
  const proxy = openProxy()
  assert.deepEqual(proxy.apply('cluster', [staticCluster('u', upstream.port)]), [])
  const chain = { filters: [tcpProxy('u', { tunneling_config: { hostname } })] }
  const inspected = listener('l', [chain], { listener_filters: [listenerFilter('tls_inspector')] })
  assert.deepEqual(proxy.apply('listener', [inspected]), [])
  const client = connect(await boundPort(proxy, 'l'), '127.0.0.1')
  client.on('error', () => {})
  client.write(await helloFor(serverName))
  const head = await promise
  client.destroy()
  await proxy.close()
  upstream.server.close()
  return head
}

const TUNNELS: Readonly<Record<string, readonly [serverName: string, authority: string]>> = {
  'a name as names are': ['Outbound_.80_._.a-b.example', 'outbound_.80_._.a-b.example'],
  'line ends and a request': [
    'a:1 HTTP/1.1\r\n\r\nGET /evil HTTP/1.1\r\nhost: a',
    'invalid:a_1_http_1.1____get__evil_http_1.1__host__a',
  ],
  'a blank': ['a b', 'invalid:a_b'],
  'a port': ['a:1', 'invalid:a_1'],
  // BoringSSL takes no such hello, so that Envoy's inspector finds no TLS in it, and no name.
  NUL: ['a\0b', '-'],
  'no ASCII': ['a\xc0b', 'invalid:a_b'],
}

for (const [name, [serverName, authority]] of Object.entries(TUNNELS)) {
  test(`a server name becomes a tunnel’s target: ${name}`, async () => {
    const head = await tunnelHead(serverName, '%REQUESTED_SERVER_NAME%:443')
    assert.equal(head, `CONNECT ${authority}:443 HTTP/1.1\r\nhost: ${authority}:443\r\n\r\n`)
  })
}

function problemsOf(config: MessageInitShape<typeof HttpConnectionManagerSchema>): string[] {
  const made = connectionManager(HTTP_CONNECTION_MANAGER, config, fakeHost({}, new FakeStats(), []))
  return 'problems' in made ? made.problems.map(problem => `${problem.path}: ${problem.message}`) : []
}

for (const evil of ['\r', '\n', '\0', '\r\nevil: 1']) {
  test(`config that holds ${JSON.stringify(evil)} is refused`, () => {
    assert.deepEqual(problemsOf({ serverName: `a${evil}` }), ['hcm.server_name: must not hold control characters'])
    const http10 = { acceptHttp10: true, defaultHostForHttp10: `a${evil}` }
    assert.deepEqual(problemsOf({ httpProtocolOptions: http10 }), [
      'hcm.http_protocol_options.default_host_for_http_10: must not hold control characters',
    ])
  })
}

test('a tunnel’s target that would end its line is refused', async () => {
  for (const hostname of ['a\r\nevil: 1:443', 'a:443 HTTP/1.1', 'a\0']) {
    const proxy = openProxy()
    const refusals = proxy.apply('listener', [
      listener('l', [{ filters: [tcpProxy('u', { tunneling_config: { hostname } })] }]),
    ])
    await proxy.close()
    assert.match(JSON.stringify(refusals), /hostname.*must hold visible ASCII alone/)
  }
})

test('what an operator yields ends no line of a tunnel’s head', () => {
  const check = new ResourceCheck('')
  const tunnel = compileTunnel(
    create(TcpProxy_TunnelingConfigSchema, { hostname: '%ROUTE_NAME%:443' }),
    'tunnel',
    check,
  )
  assert.deepEqual(check.problems, [])
  const { authority } = tunnel.requestFor({ routeName: 'a\r\nb c\u010a' } as StreamInfo)
  assert.equal(authority, 'a__b_c_:443')
})
