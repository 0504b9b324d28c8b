// auto_sni, auto_san_validation: connections are for the host that a request asks for, and shared with none for another.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { JsonValue } from '@bufbuild/protobuf'
import { FakeClock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { FakeCluster, fakeEndpoint, plainTransport } from './http/testing/fake-proxy.ts'
import { exchange } from './http/testing/raw-client.ts'
import { boundPort, connectionManager, listener, openProxy, parse } from './mesh-fixture.ts'
import { ClusterPools } from './pool/cluster-pools.ts'
import type { UpstreamTransport } from './upstream-transport.ts'

type Fields = { readonly [key: string]: JsonValue }

const TYPE = 'type.googleapis.com/envoy.extensions'
const authority = await TestAuthority.create()
const { certificateChain: cert, privateKey: key } = await authority.issue({
  names: [
    { type: 'dns', value: 'a.test' },
    { type: 'dns', value: '*.b.test' },
  ],
})
/** The server name of each connection. */
const heard: unknown[] = []
/** Statuses of the answers to come, before those that are well. */
const failures: number[] = []
const server = createServer({ cert, key }, (request, response) => {
  response.statusCode = failures.shift() ?? 200
  response.end(request.headers.host)
})
server.on('secureConnection', (socket: TLSSocket) => heard.push((socket as { servername?: unknown }).servername))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const proxy = openProxy()
after(async () => {
  await proxy.close()
  server.closeAllConnections()
  server.close()
})

async function open(options: JsonValue, endpoint: Fields = {}, route: Fields = {}): Promise<number> {
  const { port } = server.address() as AddressInfo
  const cluster = parse(ClusterSchema, {
    name: 'c',
    load_assignment: {
      cluster_name: 'c',
      endpoints: [
        {
          lb_endpoints: [
            { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } }, ...endpoint } },
          ],
        },
      ],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http_protocol_options: {} },
        upstream_http_protocol_options: options,
      },
    },
    transport_socket: {
      name: 'tls',
      typed_config: {
        '@type': `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext`,
        common_tls_context: { validation_context: { trusted_ca: { inline_string: authority.bundle } } },
      },
    },
  })
  assert.deepEqual(proxy.apply('cluster', [cluster]), [])
  const all = [{ match: { prefix: '/' }, route: { cluster: 'c', timeout: '0s', ...route } }]
  const hosts = [{ name: 'all', domains: ['*'], routes: all }]
  const chain = { filters: [connectionManager({ route_config: { name: 'r', virtual_hosts: hosts } })] }
  assert.deepEqual(proxy.apply('listener', [listener('l', [chain])]), [])
  heard.length = 0
  return await boundPort(proxy, 'l')
}

async function ask(port: number, host: string, field = ''): Promise<number> {
  return (await exchange(port, `GET / HTTP/1.1\r\nhost: ${host}\r\n${field}\r\n`)).status
}

test('each host has connections of its own, which its requests share however they spell it', async () => {
  const port = await open({ auto_sni: true, auto_san_validation: true })
  for (const host of ['a.test', 'x.b.test:8080', 'A.test', 'x.B.test', 'a.TEST:80'])
    assert.equal(await ask(port, host), 200)
  assert.deepEqual(heard, ['a.test', 'x.b.test'])
})

test('a certificate that has not the name is refused, whatever else is asked of it', async () => {
  const port = await open({ auto_sni: true, auto_san_validation: true })
  for (const host of ['c.test', '127.0.0.1', 'y.x.b.test']) assert.equal(await ask(port, host), 503, host)
})

test('another try is for the host that the request asks for, too, by whatever name the endpoint is asked', async () => {
  const retries = { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } }
  const asksForEndpoint = { auto_host_rewrite: true, retry_policy: retries }
  const port = await open({ auto_sni: true, auto_san_validation: true }, { hostname: 'not.test' }, asksForEndpoint)
  failures.push(503, 503)
  const { status, body } = await exchange(port, 'GET / HTTP/1.1\r\nhost: a.test\r\n\r\n')
  assert.deepEqual([status, body, heard, failures], [200, 'not.test', ['a.test', 'a.test', 'a.test'], []])
})

test('another field may say the name; an empty one does not', async () => {
  const port = await open({ auto_sni: true, auto_san_validation: true, override_auto_sni_header: 'X-Name' })
  assert.equal(await ask(port, 'c.test', 'x-name: a.test\r\n'), 200)
  assert.equal(await ask(port, 'x.b.test', 'x-name:\r\n'), 200)
  assert.deepEqual(heard, ['a.test', 'x.b.test'])
})

test('an address is no server name', async () => {
  const port = await open({ auto_sni: true })
  assert.equal(await ask(port, '127.0.0.1:80'), 200)
  assert.deepEqual(heard, [false])
})

test('a name goes as it is spelt, and its connections serve every spelling', async () => {
  const port = await open({ auto_sni: true })
  for (const host of ['A.Test', 'a.test:99']) assert.equal(await ask(port, host), 200)
  assert.deepEqual(heard, ['A.Test'])
})

test('a name too long to be sent is no reason to send none', async () => {
  const port = await open({ auto_sni: true })
  const longest = 'x'.repeat(255)
  assert.deepEqual([await ask(port, longest), await ask(port, `${longest}x`)], [200, 503])
  assert.deepEqual(heard, [longest])
})

test('names without end keep no pools without end, and an endpoint that goes takes all of its own along', () => {
  const transport: UpstreamTransport = { ...plainTransport, forServer: () => plainTransport }
  const cluster = new FakeCluster('c')
  const endpoint = fakeEndpoint(1, transport)
  cluster.endpoints = [endpoint]
  const pools = ClusterPools.of(cluster, new TimerWheel(new FakeClock()))
  const get = (serverName: string) => pools.get(endpoint, false, null, { serverName, verifiedName: null })
  const kept = get('kept')
  for (let i = 0; i < 2000; i++) {
    get(`name-${i}`)
    assert.equal(get('kept'), kept)
  }
  assert.equal(pools.size, 1024)
  cluster.remove(endpoint)
  assert.equal(pools.size, 0)
})
