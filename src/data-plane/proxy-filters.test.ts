// HTTP filters in whole proxies: who calls is known by mutual TLS, and routes that come by RDS speak to filters.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { RouteConfigurationSchema } from '../xds/generated/envoy/config/route/v3/route_pb.ts'
import {
  boundPort,
  connectionManager,
  downstreamTls,
  listener,
  openProxy,
  parse,
  rds,
  routes,
  staticCluster,
  TestIdentity,
  upstreamTls,
} from './mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from './proxy.ts'

const CALLER = 'spiffe://cluster.local/ns/default/sa/productpage'
const CALLED = 'spiffe://cluster.local/ns/default/sa/reviews'
const TYPES = 'type.googleapis.com/envoy.extensions.filters.http'
const authority = await TestAuthority.create()
const application = createServer((_, response) => void response.end('ok'))
application.listen(0, '127.0.0.1')
await once(application, 'listening')
const applicationPort = (application.address() as AddressInfo).port
const proxies: DataPlaneProxy[] = []
after(async () => {
  for (const proxy of proxies) await proxy.close()
  application.close()
  application.closeAllConnections()
})

async function proxyOf(spiffeId: string): Promise<DataPlaneProxy> {
  const proxy = openProxy()
  proxies.push(proxy)
  proxy.useIdentity(new TestIdentity(await authority.issueSpiffe(spiffeId), authority.bundle))
  return proxy
}

const filter = (type: string, config: { readonly [key: string]: JsonValue } = {}): JsonValue => ({
  name: `envoy.filters.http.${type.split('.')[0]}`,
  typed_config: { '@type': `${TYPES}.${type}`, ...config },
})
const ROUTER = filter('router.v3.Router')

async function statusOf(port: number): Promise<number> {
  const outgoing = request({ port, host: '127.0.0.1', agent: false, headers: { host: 'reviews:9080' } }).end()
  const [incoming] = await once(outgoing, 'response')
  incoming.resume()
  return incoming.statusCode
}

for (const [allowed, status] of [
  [CALLER, 200],
  ['spiffe://cluster.local/ns/default/sa/ratings', 403],
] as const) {
  test(`a policy for ${allowed} answers ${CALLER} with ${status}`, async () => {
    const called = await proxyOf(CALLED)
    called.apply('cluster', [staticCluster('inbound', applicationPort)])
    const principals = [{ authenticated: { principal_name: { exact: allowed } } }]
    const rules = { action: 'ALLOW', policies: { p: { permissions: [{ any: true }], principals } } }
    const manager = connectionManager({
      route_config: routes('inbound', 'inbound'),
      http_filters: [filter('rbac.v3.RBAC', { rules }), ROUTER],
    })
    const chain = { filters: [manager], transport_socket: downstreamTls() }
    assert.deepEqual(called.apply('listener', [listener('inbound', [chain])]), [])
    const caller = await proxyOf(CALLER)
    caller.apply('cluster', [staticCluster('outbound', await boundPort(called, 'inbound'), upstreamTls([CALLED]))])
    const outbound = connectionManager({ route_config: routes('outbound', 'outbound') })
    assert.deepEqual(caller.apply('listener', [listener('outbound', [{ filters: [outbound] }])]), [])
    assert.equal(await statusOf(await boundPort(caller, 'outbound')), status)
    const counted = status === 200 ? 'allowed' : 'denied'
    assert.equal(called.stats.value(`http.test.rbac.${counted}`), 1)
  })
}

test('routes by RDS speak to filters; what no filter understands leaves the last good ones in force', async () => {
  const proxy = await proxyOf(CALLER)
  proxy.apply('cluster', [staticCluster('c', applicationPort)])
  const manager = connectionManager({ ...rds('r'), http_filters: [filter('fault.v3.HTTPFault'), ROUTER] })
  assert.deepEqual(proxy.apply('listener', [listener('l', [{ filters: [manager] }])]), [])
  const told = (own: JsonValue) =>
    parse(RouteConfigurationSchema, {
      ...routes('r', 'c'),
      typed_per_filter_config: { 'envoy.filters.http.fault': own },
    })
  const abort = { '@type': `${TYPES}.fault.v3.HTTPFault`, abort: { http_status: 418, percentage: { numerator: 100 } } }
  assert.deepEqual(proxy.apply('route', [told(abort)]), [])
  const port = await boundPort(proxy, 'l')
  assert.equal(await statusOf(port), 418)
  const problems = proxy.apply('route', [told({ '@type': `${TYPES}.router.v3.Router` })])
  assert.deepEqual(
    problems.map(({ code, path }) => `${code} ${path}`),
    ['WEFT-4001 typed_per_filter_config["envoy.filters.http.fault"]'],
  )
  assert.equal(await statusOf(port), 418)
  assert.deepEqual(proxy.apply('route', [parse(RouteConfigurationSchema, routes('r', 'c'))]), [])
  assert.equal(await statusOf(port), 200)
})
