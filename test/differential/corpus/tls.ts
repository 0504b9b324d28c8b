// TLS downstream and upstream: chains by server name and protocol, clients with and without certificates.
import type { JsonObject } from '@bufbuild/protobuf'
import type { KeyPair } from '../../../src/transport/tls/secure-context.ts'
import type { DifferentialCase } from '../case.ts'
import { AUTHORITY as authority, CLIENT as client, SERVER as server, STRANGERS as strangers } from '../certificates.ts'
import type { ListenerPlan } from '../plan.ts'
import type { TlsDialogue } from '../talk.ts'
import { listenerFilter } from './listener-filter.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3'
const other = await authority.issue({ names: [{ type: 'url', value: 'spiffe://mesh/other' }] })
const stranger = await strangers.issue({ names: [{ type: 'url', value: 'spiffe://mesh/client' }] })

const inline = (text: string): JsonObject => ({ inline_string: text })
const certificate = ({ certificateChain, privateKey }: KeyPair): JsonObject => ({
  certificate_chain: inline(certificateChain),
  private_key: inline(privateKey),
})

export function downstreamTls(common: JsonObject = {}, more: JsonObject = {}): JsonObject {
  const common_tls_context = { tls_certificates: [certificate(server)], ...common }
  return {
    transport_socket: {
      name: 'tls',
      typed_config: { '@type': `${TYPE}.DownstreamTlsContext`, common_tls_context, ...more },
    },
  }
}

const trusted: JsonObject = { trusted_ca: inline(authority.bundle) }
const mutual = downstreamTls({ validation_context: trusted }, { require_client_certificate: true })
const onlyClient = downstreamTls(
  {
    validation_context: {
      ...trusted,
      match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: 'spiffe://mesh/client' } }],
    },
  },
  { require_client_certificate: true },
)

const host: JsonObject = {
  name: 'all',
  domains: ['*'],
  routes: [{ name: 'r', match: { prefix: '/' }, route: { cluster: 'alpha' } }],
}
const DETAILS: JsonObject = {
  forward_client_cert_details: 'APPEND_FORWARD',
  set_current_client_cert_details: { subject: true, uri: true, dns: true },
}
const inspector: JsonObject = { listener_filters: [listenerFilter('tls_inspector.v3.TlsInspector')] }

const listener = (name: string, chains: readonly JsonObject[], more: Partial<ListenerPlan> = {}): ListenerPlan => ({
  name: `tls-${name}`,
  virtualHosts: [host],
  connectionManager: DETAILS,
  chains,
  ...more,
})

const asked = (name: string, tls_context: JsonObject): JsonObject => ({
  name,
  match: { prefix: '/', tls_context },
  route: { cluster: 'alpha' },
})
/** Routes by what is known of the client's certificate. */
const byCertificate: JsonObject = {
  name: 'all',
  domains: ['*'],
  routes: [
    asked('validated', { validated: true }),
    asked('presented', { presented: true, validated: false }),
    asked('none', { presented: false }),
  ],
}

export const TLS_LISTENERS: readonly ListenerPlan[] = [
  listener('context', [downstreamTls({ validation_context: trusted })], { virtualHosts: [byCertificate] }),
  listener(
    'context-any',
    [downstreamTls({ validation_context: { ...trusted, trust_chain_verification: 'ACCEPT_UNTRUSTED' } })],
    { virtualHosts: [byCertificate] },
  ),
  { name: 'context-plain', virtualHosts: [byCertificate] },
  listener('plain', [downstreamTls()]),
  listener('mutual', [mutual]),
  listener('optional', [downstreamTls({ validation_context: trusted })]),
  listener('only-client', [onlyClient]),
  listener('sanitize', [mutual], { connectionManager: { ...DETAILS, forward_client_cert_details: 'SANITIZE_SET' } }),
  listener('alpn', [downstreamTls({ alpn_protocols: ['h2', 'http/1.1'] })], {
    connectionManager: { ...DETAILS, codec_type: 'AUTO' },
  }),
  listener('old', [
    downstreamTls({ tls_params: { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_2' } }),
  ]),
  listener(
    'names',
    [
      { ...downstreamTls(), filter_chain_match: { server_names: ['a.test'] } },
      { ...mutual, filter_chain_match: { server_names: ['*.b.test'] } },
      { filter_chain_match: { transport_protocol: 'raw_buffer' } },
    ],
    { listener: inspector },
  ),
]

type Said = Omit<TlsDialogue, 'ca'>

const CLIENTS: Readonly<Record<string, Said>> = {
  nobody: {},
  'server-name': { serverName: 'a.test' },
  'server-name-other': { serverName: 'x.b.test' },
  'server-name-unknown': { serverName: 'c.test' },
  client: { serverName: 'x.b.test', certificate: client },
  'client-to-a': { serverName: 'a.test', certificate: client },
  other: { serverName: 'a.test', certificate: other },
  stranger: { serverName: 'a.test', certificate: stranger },
  'protocol-http1': { serverName: 'a.test', protocols: ['http/1.1'] },
  'protocol-both': { serverName: 'a.test', protocols: ['h2', 'http/1.1'] },
  'protocol-unknown': { serverName: 'a.test', protocols: ['other'] },
  'version-1.2': { serverName: 'a.test', maxVersion: 'TLSv1.2' },
}

const request = (fields = ''): string => `GET /tls HTTP/1.1\r\nhost: a.test\r\n${fields}\r\n`

export const TLS_REQUESTS: readonly DifferentialCase[] = TLS_LISTENERS.flatMap(({ name }) => [
  ...Object.entries(CLIENTS)
    // Only the listener of several protocols is offered HTTP/2; what comes of it is spoken in HTTP/1 here.
    .filter(([said]) => said !== 'protocol-both' || name !== 'tls-alpn')
    .map(
      ([said, tls]): DifferentialCase => ({
        name: `${name}/${said}`,
        listener: name,
        dialogue: { protocol: 'http1', writes: [request()], methods: ['GET'], tls: { ...tls, ca: authority.bundle } },
      }),
    ),
  {
    name: `${name}/forwarded-certificate`,
    listener: name,
    dialogue: {
      protocol: 'http1',
      writes: [request('x-forwarded-client-cert: By=spiffe://mesh/before;Hash=00\r\n')],
      methods: ['GET'],
      tls: { serverName: 'a.test', certificate: client, ca: authority.bundle },
    },
  },
  {
    name: `${name}/without-tls`,
    listener: name,
    dialogue: { protocol: 'http1', writes: [request()], methods: ['GET'] },
  },
])
