// TLS to the endpoint: whose certificate is taken, what is said in the handshake, what protocol comes of it.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { DifferentialCase } from '../case.ts'
import { AUTHORITY, CLIENT, STRANGERS } from '../certificates.ts'
import { type ClusterPlan, HTTP2_UPSTREAM, type ListenerPlan } from '../plan.ts'
import type { Arbitrary } from './words.ts'

const LISTENER = 'upstream-tls'
const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'

const inline = (text: string): JsonObject => ({ inline_string: text })
const san = (san_type: string, matcher: JsonObject): JsonObject => ({
  match_typed_subject_alt_names: [{ san_type, matcher }],
})

/** Of the validation context; the endpoint's certificate is for a.test, *.b.test, spiffe://mesh/a and 127.0.0.1. */
const NAMES: Readonly<Record<string, JsonObject>> = {
  any: {},
  dns: san('DNS', { exact: 'a.test' }),
  'dns-wildcard': san('DNS', { exact: 'x.b.test' }),
  'dns-suffix': san('DNS', { suffix: '.test' }),
  'dns-bad': san('DNS', { exact: 'c.test' }),
  uri: san('URI', { exact: 'spiffe://mesh/a' }),
  'uri-prefix': san('URI', { prefix: 'spiffe://mesh/' }),
  'uri-regex': san('URI', { safe_regex: { regex: 'spiffe://[a-z]+/a' } }),
  'uri-bad': san('URI', { exact: 'spiffe://mesh/b' }),
  ip: san('IP_ADDRESS', { exact: '127.0.0.1' }),
}
const AUTHORITIES: Readonly<Record<string, JsonObject>> = {
  'own-ca': { trusted_ca: inline(AUTHORITY.bundle) },
  'other-ca': { trusted_ca: inline(STRANGERS.bundle) },
  'both-cas': { trusted_ca: inline(AUTHORITY.bundle + STRANGERS.bundle) },
}
const certificate: JsonObject = {
  certificate_chain: inline(CLIENT.certificateChain),
  private_key: inline(CLIENT.privateKey),
}
/** How the server's name comes about, and the protocol. */
const SAID: Readonly<Record<string, { tls?: JsonObject; common?: JsonObject; cluster?: JsonObject }>> = {
  nothing: {},
  'server-name': { tls: { sni: 'a.test' } },
  certificate: { common: { tls_certificates: [certificate] } },
  http2: { cluster: HTTP2_UPSTREAM },
  'alpn-http1': { common: { alpn_protocols: ['http/1.1'] } },
  'auto-name': { cluster: byRequest('http1', { auto_sni: true }) },
  'auto-name-http2': { cluster: byRequest('http2', { auto_sni: true }) },
  'auto-name-over-name': { tls: { sni: 'x.b.test' }, cluster: byRequest('http1', { auto_sni: true }) },
  'auto-both': { cluster: byRequest('http1', { auto_sni: true, auto_san_validation: true }) },
  'auto-both-http2': { cluster: byRequest('http2', { auto_sni: true, auto_san_validation: true }) },
  'auto-verified': { tls: { sni: 'a.test' }, cluster: byRequest('http1', { auto_san_validation: true }) },
  'auto-by-header': {
    cluster: byRequest('http2', { auto_sni: true, auto_san_validation: true, override_auto_sni_header: 'X-Name' }),
  },
  'alpn-unknown': { common: { alpn_protocols: ['istio'] } },
  'version-1.2': { common: { tls_params: { tls_maximum_protocol_version: 'TLSv1_2' } } },
}

/** What is not said in advance: the name that the request asks for. */
function byRequest(version: 'http1' | 'http2', upstream_http_protocol_options: JsonObject): JsonObject {
  const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
  const protocol = version === 'http2' ? { http2_protocol_options: {} } : { http_protocol_options: {} }
  const typed = {
    '@type': `type.googleapis.com/${options}`,
    explicit_http_config: protocol,
    upstream_http_protocol_options,
  }
  return { typed_extension_protocol_options: { [options]: typed } }
}

interface Context {
  readonly authority: string
  readonly names: string
  readonly said: string
  readonly endpoint: 'tls-a' | 'tls-stranger'
}

const context: Arbitrary<Context> = fc.record({
  authority: fc.constantFrom('own-ca', 'own-ca', 'own-ca', 'other-ca', 'both-cas'),
  names: fc.constantFrom(...Object.keys(NAMES)),
  said: fc.constantFrom(...Object.keys(SAID)),
  endpoint: fc.constantFrom('tls-a', 'tls-a', 'tls-a', 'tls-stranger'),
})

const nameOf = ({ authority, names, said, endpoint }: Context): string => `${endpoint}-${authority}-${names}-${said}`

function clusterOf(each: Context): ClusterPlan {
  const { tls = {}, common = {}, cluster = {} } = SAID[each.said]!
  const validation_context = { ...AUTHORITIES[each.authority], ...NAMES[each.names] }
  // A session resumed tells its server no name.
  const typed_config = {
    '@type': TLS,
    common_tls_context: { validation_context, ...common },
    max_session_keys: 0,
    ...tls,
  }
  return {
    name: nameOf(each),
    endpoint: each.endpoint,
    fields: { transport_socket: { name: 'tls', typed_config }, ...cluster },
  }
}

const HOSTS = [
  'a.test',
  'x.b.test',
  'c.test',
  'a.test:8080',
  'A.test',
  '127.0.0.1:80',
  '127.0.0.2',
  '[::1]:80',
  'y.x.b.test',
] as const

function contexts(seed: number, count: number): readonly Context[] {
  return [...new Map(fc.sample(context, { seed, numRuns: count }).map(each => [nameOf(each), each])).values()]
}

/** A listener whose routes lead to `count` clusters. */
export function upstreamTlsListeners(seed: number, count: number): readonly ListenerPlan[] {
  const all = contexts(seed, count)
  const routes = all.map(each => {
    const cluster = nameOf(each)
    return { name: cluster, match: { prefix: `/${cluster}/` }, route: { cluster } }
  })
  return [{ name: LISTENER, virtualHosts: [{ name: 'all', domains: ['*'], routes }], clusters: all.map(clusterOf) }]
}

export function upstreamTlsCases(seed: number, count: number): readonly DifferentialCase[] {
  return contexts(seed, count).map((each, index): DifferentialCase => {
    const name = nameOf(each)
    // Of those that ask by a request, some ask twice: for one name, and for another.
    const hosts = [HOSTS[index % HOSTS.length]!, ...(index % 2 === 0 ? [HOSTS[(index + seed) % HOSTS.length]!] : [])]
    const said = index % 3 === 0 ? 'x-name: a.test\r\n' : index % 3 === 1 ? 'x-name: \r\n' : ''
    const writes = hosts.map(host => `GET /${name}/ HTTP/1.1\r\nhost: ${host}\r\n${said}\r\n`)
    return {
      name: `${LISTENER}/${name}/${seed}.${index}`,
      listener: LISTENER,
      dialogue: { protocol: 'http1', writes, methods: hosts.map(() => 'GET') },
    }
  })
}
