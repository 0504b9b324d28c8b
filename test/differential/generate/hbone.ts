// HBONE: bytes that one proxy sends to another by CONNECT over HTTP/2 over mutual TLS, and that end there.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { DifferentialCase } from '../case.ts'
import { AUTHORITY, CLIENT } from '../certificates.ts'
import { downstreamTls } from '../corpus/tls.ts'
import { type ClusterPlan, DEAD_CLUSTER, FAR_LISTENER, HTTP2_UPSTREAM, type ListenerPlan } from '../plan.ts'
import type { ScriptDialogue, Step } from '../script/script.ts'
import { bytes, traffic } from './tunnels.ts'

const EXTENSION = 'type.googleapis.com/envoy.extensions'
const CONNECT: JsonObject = { upgrade_type: 'CONNECT', connect_config: {} }
const trusted: JsonObject = { trusted_ca: { inline_string: AUTHORITY.bundle } }

const ending = (cluster: string): JsonObject => ({
  name: cluster,
  domains: [`${cluster}.test:80`],
  routes: [{ name: 'connect', match: { connect_matcher: {} }, route: { cluster, upgrade_configs: [CONNECT] } }],
})
/** Clusters whose endpoint is a listener of the same proxy; `carried`: which is told whose bytes they are. */
const inside = (name: string, target: string, transport_socket?: JsonObject): ClusterPlan => ({
  name,
  endpoint: 'alpha',
  fields: {
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: [
            {
              endpoint: {
                address: { envoy_internal_address: { server_listener_name: target, endpoint_id: '127.0.0.1:80' } },
              },
            },
          ],
        },
      ],
    },
    ...(transport_socket && { transport_socket }),
  },
})
const carrying: JsonObject = {
  name: 'internal',
  typed_config: {
    '@type': `${EXTENSION}.transport_sockets.internal_upstream.v3.InternalUpstreamTransport`,
    transport_socket: {
      name: 'raw',
      typed_config: { '@type': `${EXTENSION}.transport_sockets.raw_buffer.v3.RawBuffer` },
    },
  },
}
const INSIDE: readonly ClusterPlan[] = [
  inside('inside', 'inner'),
  inside('inside-carried', 'inner', carrying),
  inside('inside-bytes', 'inner-bytes'),
  inside('inside-nowhere', 'no-listener'),
]
const refusing: JsonObject = {
  name: 'refusing',
  domains: ['refusing.test:80'],
  routes: [{ name: 'refused', match: { connect_matcher: {} }, direct_response: { status: 403 } }],
}

/** For whatever is said to a proxy in clear text: by it the access log is asked for. */
const PLAIN: ListenerPlan = { name: 'plain', virtualHosts: [] }
export const SERVER_LISTENER = 'hbone'

/** Of the proxy that ends tunnels. */
export const HBONE_SERVER: readonly ListenerPlan[] = [
  PLAIN,
  {
    name: SERVER_LISTENER,
    virtualHosts: [ending('bytes'), ending(DEAD_CLUSTER), refusing, ...INSIDE.map(({ name }) => ending(name))],
    clusters: INSIDE,
    connectionManager: { codec_type: 'HTTP2', http2_protocol_options: { allow_connect: true } },
    chains: [
      downstreamTls({ validation_context: trusted, alpn_protocols: ['h2'] }, { require_client_certificate: true }),
    ],
  },
  {
    name: 'inner',
    internal: true,
    virtualHosts: [
      { name: 'all', domains: ['*'], routes: [{ name: 'r', match: { prefix: '/' }, route: { cluster: 'alpha' } }] },
    ],
    connectionManager: {
      use_remote_address: true,
      forward_client_cert_details: 'SANITIZE_SET',
      set_current_client_cert_details: { uri: true },
      // How long the upstream took would tell in the bytes that the tunnel counts.
      http_filters: [
        {
          name: 'router',
          typed_config: { '@type': `${EXTENSION}.filters.http.router.v3.Router`, suppress_envoy_headers: true },
        },
      ],
    },
  },
  { name: 'inner-bytes', internal: true, virtualHosts: [], tcpProxy: { cluster: 'bytes' } },
]

const certificate: JsonObject = {
  certificate_chain: { inline_string: CLIENT.certificateChain },
  private_key: { inline_string: CLIENT.privateKey },
}
const upstreamTls = (common: JsonObject): JsonObject => ({
  name: 'tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    common_tls_context: {
      validation_context: trusted,
      tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
      ...common,
    },
  },
})
const into = (name: string, cluster: string, hostname: string, common: JsonObject): ListenerPlan => ({
  name: `into-${name}`,
  virtualHosts: [],
  tcpProxy: {
    cluster,
    tunneling_config: {
      hostname,
      // By it the entries of the other proxy's log are found.
      headers_to_add: [{ header: { key: 'x-a', value: '%DOWNSTREAM_REMOTE_PORT%' } }],
    },
  },
  clusters: [
    { name: cluster, endpoint: FAR_LISTENER, fields: { ...HTTP2_UPSTREAM, transport_socket: upstreamTls(common) } },
  ],
})
const known: JsonObject = { tls_certificates: [certificate] }

/** Of the proxy that begins tunnels. */
export const HBONE_CLIENT: readonly ListenerPlan[] = [
  PLAIN,
  into('bytes', 'hbone', 'bytes.test:80', known),
  into('dead', 'hbone-dead', `${DEAD_CLUSTER}.test:80`, known),
  into('refusing', 'hbone-refusing', 'refusing.test:80', known),
  into('nowhere', 'hbone-nowhere', 'nowhere.test:80', known),
  ...INSIDE.map(({ name }) => into(name, `hbone-${name}`, `${name}.test:80`, known)),
  into('stranger', 'hbone-stranger', 'bytes.test:80', {}),
]

/** One after the other, so that what differs is told by name. */
const BY_HAND: Readonly<Record<string, readonly Step[]>> = {
  'server-first': [{ by: 'upstream', send: 'hello' }],
  'client-ends': [
    { by: 'client', send: 'question' },
    { by: 'client', does: 'end' },
    { by: 'upstream', send: 'answer' },
    { by: 'upstream', does: 'end' },
  ],
  'upstream-ends': [
    { by: 'client', send: 'question' },
    { by: 'upstream', send: 'answer' },
    { by: 'upstream', does: 'end' },
    { by: 'client', send: 'thanks' },
    { by: 'client', does: 'end' },
  ],
  'client-resets': [
    { by: 'client', send: 'question' },
    { by: 'client', does: 'reset' },
  ],
  'upstream-resets': [
    { by: 'client', send: 'question' },
    { by: 'upstream', does: 'reset' },
  ],
  large: [
    { by: 'client', send: 'x'.repeat(200_000) },
    { by: 'upstream', send: 'y'.repeat(200_000) },
  ],
}

const dialogue = (steps: readonly Step[]): ScriptDialogue => ({ protocol: 'script', client: 'bytes', steps })

/** Names begin where those of the pair end. */
export function hboneCases(seed: number, generated: number): readonly DifferentialCase[] {
  const said = fc.sample(fc.array(traffic, { minLength: 1, maxLength: 5 }), { seed, numRuns: generated })
  const [word] = fc.sample(bytes, { seed, numRuns: 1 })
  return [
    ...Object.entries(BY_HAND).map(([name, steps]) => ({
      name: `bytes/${name}`,
      listener: 'into-bytes',
      dialogue: dialogue(steps),
    })),
    ...said.map((steps, index) => ({
      name: `bytes/generated/${seed}.${index}`,
      listener: 'into-bytes',
      dialogue: dialogue(steps),
    })),
    ...Object.entries(BY_HAND).map(([name, steps]) => ({
      name: `inside-bytes/${name}`,
      listener: 'into-inside-bytes',
      dialogue: dialogue(steps),
    })),
    ...['inside', 'inside-carried'].map(name => ({
      name: `${name}/${seed}`,
      listener: `into-${name}`,
      dialogue: dialogue([
        { by: 'client', send: `GET /${name} HTTP/1.1\r\nhost: a.test\r\n\r\n` },
        { by: 'client', does: 'end' },
      ]),
    })),
    ...['dead', 'refusing', 'nowhere', 'stranger', 'inside-nowhere'].map(name => ({
      name: `${name}/${seed}`,
      listener: `into-${name}`,
      dialogue: dialogue([
        { by: 'client', send: word! },
        { by: 'client', does: 'wait' },
      ]),
    })),
  ]
}
