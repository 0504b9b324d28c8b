// Two proxies in one process: application -> HTTP proxy listener -> mTLS -> inbound listener -> application.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { FakeClock } from '../base/clock.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { ListenerSchema } from '../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { SecretSchema } from '../xds/generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import {
  boundPort,
  connectionManager,
  downstreamTls,
  listener,
  openProxy,
  parse,
  rds,
  routeConfiguration,
  routes,
  staticCluster,
  TestIdentity,
  upstreamTls,
} from './mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from './proxy.ts'

const REVIEWS = 'spiffe://cluster.local/ns/default/sa/reviews'
const PRODUCTPAGE = 'spiffe://cluster.local/ns/default/sa/productpage'
const authority = await TestAuthority.create()
const application = createServer((incoming, response) => {
  response.setHeader('content-type', 'application/json')
  incoming.pipe(response.writeHead(200, { 'x-seen': JSON.stringify(incoming.headers) }))
})
application.listen(0, '127.0.0.1')
await once(application, 'listening')
const applicationPort = (application.address() as AddressInfo).port
const proxies: DataPlaneProxy[] = []
after(async () => {
  for (const proxy of proxies) await proxy.close()
  application.close()
  application.closeAllConnections()
})

function track(proxy: DataPlaneProxy): DataPlaneProxy {
  proxies.push(proxy)
  return proxy
}

async function inboundProxy(): Promise<{ proxy: DataPlaneProxy; identity: TestIdentity; port: number }> {
  const proxy = track(openProxy())
  const identity = new TestIdentity(await authority.issueSpiffe(REVIEWS), authority.bundle)
  proxy.useIdentity(identity)
  assert.deepEqual(proxy.apply('cluster', [staticCluster('inbound|9080||', applicationPort)]), [])
  const manager = connectionManager({
    route_config: routes('inbound|9080||', 'inbound|9080||'),
    forward_client_cert_details: 'APPEND_FORWARD',
    set_current_client_cert_details: { uri: true },
  })
  assert.deepEqual(
    proxy.apply('listener', [listener('inbound', [{ filters: [manager], transport_socket: downstreamTls() }])]),
    [],
  )
  return { proxy, identity, port: await boundPort(proxy, 'inbound') }
}

async function outboundProxy(
  port: number,
  sans: readonly string[] = [REVIEWS],
): Promise<{ proxy: DataPlaneProxy; identity: TestIdentity; port: number }> {
  const proxy = track(openProxy())
  const identity = new TestIdentity(await authority.issueSpiffe(PRODUCTPAGE), authority.bundle)
  proxy.useIdentity(identity)
  assert.deepEqual(proxy.apply('cluster', [staticCluster('outbound', port, upstreamTls(sans))]), [])
  assert.deepEqual(
    proxy.apply('listener', [listener('outbound', [{ filters: [connectionManager(rds('http_proxy'))] }])]),
    [],
  )
  assert.deepEqual(proxy.wanted('route'), ['http_proxy'])
  assert.equal(proxy.listeners.status()[0]?.state, 'warming')
  assert.deepEqual(proxy.apply('route', [routeConfiguration('http_proxy', 'outbound')]), [])
  return { proxy, identity, port: await boundPort(proxy, 'outbound') }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function ask(port: number, options: { body?: string; agent?: Agent } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: 'http://reviews:9080/reviews/0',
        headers: { host: 'reviews:9080' },
        agent: options.agent ?? false,
      },
      async incoming => {
        let body = ''
        for await (const chunk of incoming) body += chunk
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(options.body ?? 'hello')
  })
}

test('a request goes through both proxies, under mTLS with both identities known', async () => {
  const inbound = await inboundProxy()
  const outbound = await outboundProxy(inbound.port)
  const answer = await ask(outbound.port)
  assert.equal(answer.status, 200)
  assert.equal(answer.body, 'hello')
  const seen = JSON.parse(String(answer.headers['x-seen'])) as IncomingHttpHeaders
  assert.match(String(seen['x-forwarded-client-cert']), new RegExp(`URI=${PRODUCTPAGE}`))
  assert.match(String(seen['x-forwarded-client-cert']), new RegExp(`By=${REVIEWS}`))
  const name = `127.0.0.1_0`
  assert.equal(inbound.proxy.stats.value(`listener.${name}.ssl.handshake`), 1)
  assert.equal(outbound.proxy.stats.value(`listener.${name}.downstream_cx_total`), 1)
})

test('a peer of the wrong name is refused by the client, one of another trust root by the server', async () => {
  const inbound = await inboundProxy()
  const misled = await outboundProxy(inbound.port, [PRODUCTPAGE])
  const refused = await ask(misled.port)
  assert.equal(refused.status, 503)
  assert.match(refused.body, /reset reason: remote connection failure/)
  const outbound = await outboundProxy(inbound.port)
  const stranger = await TestAuthority.create()
  outbound.identity.replace(await stranger.issueSpiffe(PRODUCTPAGE))
  assert.equal((await ask(outbound.port)).status, 503)
  assert.ok((inbound.proxy.stats.value('listener.127.0.0.1_0.ssl.fail_verify_error') ?? 0) >= 1)
})

test('new secrets serve new connections, and the ones there are live on', async () => {
  const inbound = await inboundProxy()
  const outbound = await outboundProxy(inbound.port)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  assert.equal((await ask(outbound.port, { agent })).status, 200)
  inbound.identity.replace(await authority.issueSpiffe(REVIEWS))
  outbound.identity.replace(await authority.issueSpiffe(PRODUCTPAGE))
  for (let n = 0; n < 5; n++) assert.equal((await ask(outbound.port, { agent })).status, 200)
  assert.equal(outbound.proxy.stats.value('listener.127.0.0.1_0.downstream_cx_total'), 1)
  agent.destroy()
})

test('the trust bundle that SDS brings is taken over, and a broken one is a problem', async () => {
  const proxy = track(openProxy())
  const other = await TestAuthority.create()
  const identity = new TestIdentity(await authority.issueSpiffe(REVIEWS), authority.bundle)
  proxy.useIdentity(identity)
  const secret = (pem: string) =>
    create(SecretSchema, {
      name: 'ROOTCA',
      type: { case: 'validationContext', value: { trustedCa: { specifier: { case: 'inlineString', value: pem } } } },
    })
  assert.deepEqual(proxy.apply('secret', [secret(authority.bundle + other.bundle)]), [])
  assert.equal(proxy.secrets.trustedCa('ROOTCA'), authority.bundle + other.bundle)
  const [problem] = proxy.apply('secret', [secret('not a certificate')])
  assert.equal(problem?.code, 'WEFT-4103')
  assert.equal(proxy.secrets.trustedCa('ROOTCA'), authority.bundle + other.bundle)
})

test('a bad listener is refused with every reason, its predecessor serves on', async () => {
  const inbound = await inboundProxy()
  const outbound = await outboundProxy(inbound.port)
  const bad = parse(ListenerSchema, {
    name: 'outbound',
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    use_original_dst: true,
    filter_chains: [
      { filters: [{ name: 'envoy.filters.network.tcp_proxy' }], filter_chain_match: { server_names: ['a.*'] } },
    ],
  })
  const problems = outbound.proxy.apply('listener', [bad])
  assert.deepEqual(
    problems.map(({ object, path }) => `${object} ${path}`),
    [
      'Listener outbound use_original_dst',
      'Listener outbound filter_chains[0].filter_chain_match.server_names[0]',
      'Listener outbound filter_chains[0].filters[0]',
    ],
  )
  assert.equal((await ask(outbound.port)).status, 200)
})

test('drain: what runs is finished, idle connections close, the port is released', async () => {
  const inbound = await inboundProxy()
  const outbound = await outboundProxy(inbound.port)
  const agent = new Agent({ keepAlive: true })
  assert.equal((await ask(outbound.port, { agent })).status, 200)
  await outbound.proxy.drain(5000)
  assert.equal(outbound.proxy.listeners.activeConnections, 0)
  await assert.rejects(ask(outbound.port), { code: 'ECONNREFUSED' })
  agent.destroy()
  await inbound.proxy.drain(5000)
  assert.equal(inbound.proxy.listeners.activeConnections, 0)
})

test('a listener whose secrets never come serves after fifteen seconds, and refuses', async () => {
  const clock = new FakeClock()
  const proxy = track(openProxy({ clock }))
  const manager = connectionManager({ route_config: routes('r', 'c') })
  proxy.apply('listener', [listener('l', [{ filters: [manager], transport_socket: downstreamTls() }])])
  assert.equal(proxy.listeners.status()[0]?.state, 'warming')
  clock.advance(15_000)
  const port = await boundPort(proxy, 'l')
  await assert.rejects(ask(port))
  assert.equal(
    proxy.stats.value('listener.127.0.0.1_0.server_ssl_socket_factory.downstream_context_secrets_not_ready'),
    1,
  )
})
