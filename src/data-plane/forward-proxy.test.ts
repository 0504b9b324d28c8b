// A dynamic forward proxy on real sockets: which of a name's addresses it goes to, and whom TLS has to reach.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { exchange } from './http/testing/raw-client.ts'
import { boundPort, connectionManager, listener, openProxy, parse, routes } from './mesh-fixture.ts'

const TYPE = 'type.googleapis.com/envoy.extensions'
const authority = await TestAuthority.create()
const issued = await authority.issue({ names: [{ type: 'dns', value: 'localhost' }] })
const plain = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1')
const secure = createSecureServer({ cert: issued.certificateChain, key: issued.privateKey }, (_, response) =>
  response.end('ok'),
).listen(0, '127.0.0.1')
await Promise.all([once(plain, 'listening'), once(secure, 'listening')])
const proxy = openProxy()
after(async () => {
  await proxy.close()
  for (const server of [plain, secure]) {
    server.closeAllConnections()
    server.close()
  }
})

async function open(cache: { readonly [key: string]: JsonValue }, more: { readonly [key: string]: JsonValue } = {}) {
  const cluster = parse(ClusterSchema, {
    name: 'c',
    lb_policy: 'CLUSTER_PROVIDED',
    cluster_type: {
      name: 'envoy.clusters.dynamic_forward_proxy',
      typed_config: {
        '@type': `${TYPE}.clusters.dynamic_forward_proxy.v3.ClusterConfig`,
        dns_cache_config: { name: 'd', ...cache },
      },
    },
    ...more,
  })
  assert.deepEqual(proxy.apply('cluster', [cluster]), [])
  const chain = { filters: [connectionManager({ route_config: routes('r', 'c') })] }
  assert.deepEqual(proxy.apply('listener', [listener('l', [chain])]), [])
  return await boundPort(proxy, 'l')
}

/** The status of a request for `host`, at the port of `server`. */
async function ask(listenerPort: number, host: string, server: { address(): unknown }): Promise<number> {
  const { port } = server.address() as AddressInfo
  return (await exchange(listenerPort, `GET / HTTP/1.1\r\nhost: ${host}:${port}\r\n\r\n`)).status
}

test('a server of IPv4 alone is not there for who asks for IPv6 alone', async () => {
  for (const [family, status] of [
    ['V6_ONLY', 503],
    ['V4_ONLY', 200],
    ['V4_PREFERRED', 200],
    ['AUTO', 200],
  ] as const)
    assert.equal(await ask(await open({ dns_lookup_family: family }), 'localhost', plain), status, family)
})

test('TLS asks for the name that the client asked for, and checks it', async () => {
  const tls = { '@type': `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext` }
  const common = { validation_context: { trusted_ca: { inline_string: authority.bundle } } }
  const socket = { name: 'tls', typed_config: { ...tls, common_tls_context: common } }
  const port = await open({}, { transport_socket: socket })
  assert.equal(await ask(port, 'localhost', secure), 200)
  assert.equal(await ask(port, '127.0.0.1', secure), 503)
})
