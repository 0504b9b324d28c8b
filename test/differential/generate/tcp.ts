// Connections through tcp_proxy: who speaks first, who ends, how; chains by server name and address; PROXY headers.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { DifferentialCase } from '../case.ts'
import { AUTHORITY } from '../certificates.ts'
import { HOSTILE_HELLOS } from '../corpus/hellos.ts'
import { listenerFilter } from '../corpus/listener-filter.ts'
import { downstreamTls } from '../corpus/tls.ts'
import { type ClusterPlan, DEAD_CLUSTER, EMPTY_CLUSTER, type ListenerPlan } from '../plan.ts'
import type { ScriptDialogue, Step } from '../script/script.ts'
import type { TlsDialogue } from '../talk.ts'
import { clientHello } from './client-hello.ts'
import type { Arbitrary } from './words.ts'

const TLS: TlsDialogue = { ca: AUTHORITY.bundle, serverName: 'a.test' }
const BYTES: JsonObject = { cluster: 'bytes' }
const DEAD: JsonObject = { cluster: DEAD_CLUSTER }
const TCP_PROXY = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'
const SOCKET = 'type.googleapis.com/envoy.extensions.transport_sockets'

const withProxyHeader = (name: string, config: JsonObject): ClusterPlan => ({
  name,
  endpoint: 'bytes',
  fields: {
    transport_socket: {
      name: 'proxy',
      typed_config: {
        '@type': `${SOCKET}.proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
        config,
        transport_socket: { name: 'raw', typed_config: { '@type': `${SOCKET}.raw_buffer.v3.RawBuffer` } },
      },
    },
  },
})

const inspector = listenerFilter('tls_inspector.v3.TlsInspector')
const proxyHeader = (more: JsonObject = {}): JsonObject => listenerFilter('proxy_protocol.v3.ProxyProtocol', more)
const matched = (filter_chain_match: JsonObject, tcpProxy: JsonObject = BYTES): JsonObject => ({
  name: JSON.stringify(filter_chain_match),
  filter_chain_match,
  tcpProxy,
})
const prefix = (address_prefix: string, prefix_len: number): JsonObject => ({ address_prefix, prefix_len })
const ranges = (...source_prefix_ranges: JsonObject[]): JsonObject => ({ source_prefix_ranges })

/** What a client says before everything else. */
interface Beginning {
  /** Part of the case's name. */
  readonly name: string
  readonly preface?: string
  readonly steps: readonly Step[]
}

interface TcpPlan {
  readonly listener: Omit<ListenerPlan, 'virtualHosts'>
  readonly first?: Arbitrary<Beginning>
  readonly last?: readonly Step[]
  readonly timed?: true
  readonly tls?: boolean
}

const HELLOS: Readonly<Record<string, string>> = {
  a: await clientHello('a.test'),
  'x-of-b': await clientHello('x.b.test'),
  b: await clientHello('b.test'),
  other: await clientHello('other.test'),
  'a-h2': await clientHello('a.test', ['h2']),
  'a-unknown-protocol': await clientHello('a.test', ['http/1.1', 'x']),
  nobody: await clientHello(''),
  'not-tls': 'GET / HTTP/1.1\r\n\r\n',
  cut: '\x16\x03\x01',
  'one-byte': '\x16',
}
const hello: Arbitrary<Beginning> = fc
  .tuple(fc.constantFrom(...Object.entries(HELLOS)), fc.constantFrom(0, 0, 1, 5, 60))
  .map(([[name, bytes], cut]) => ({
    name,
    steps: [bytes.slice(0, cut), bytes.slice(cut)].filter(Boolean).map(send => ({ by: 'client', send })),
  }))

const V2 = '\r\n\r\n\0\r\nQUIT\n'
const block = (...bytes: number[]): string => String.fromCharCode(...bytes)
const version2 = (command: number, family: number, rest: string): string =>
  `${V2}${block(command, family, rest.length >> 8, rest.length & 0xff)}${rest}`
const IPV4 = block(10, 1, 2, 3, 127, 0, 0, 9, 0x04, 0x57, 0x08, 0xae)
const PREFACES: Readonly<Record<string, string>> = {
  none: '',
  v1: 'PROXY TCP4 10.1.2.3 127.0.0.9 1111 2222\r\n',
  'v1-elsewhere': 'PROXY TCP4 192.168.1.1 10.0.0.1 1 65535\r\n',
  'v1-ipv6': 'PROXY TCP6 2001:db8::1 ::1 1111 2222\r\n',
  'v1-unknown': 'PROXY UNKNOWN\r\n',
  'v1-unknown-more': 'PROXY UNKNOWN a b c\r\n',
  'v1-three-numbers': 'PROXY TCP4 10.1.2 127.0.0.9 1111 2222\r\n',
  'v1-port-too-large': 'PROXY TCP4 10.1.2.3 127.0.0.9 1111 99999\r\n',
  'v1-one-port': 'PROXY TCP4 10.1.2.3 127.0.0.9 1111\r\n',
  'v1-two-spaces': 'PROXY  TCP4 10.1.2.3 127.0.0.9 1111 2222\r\n',
  'v1-bare-lf': 'PROXY TCP4 10.1.2.3 127.0.0.9 1111 2222\n',
  'v1-too-long': `PROXY TCP4 ${'1'.repeat(120)}`,
  almost: 'PROXZ',
  v2: version2(0x21, 0x11, IPV4),
  'v2-local': version2(0x20, 0x00, ''),
  'v2-local-with-addresses': version2(0x20, 0x11, IPV4),
  'v2-tlv': version2(0x21, 0x11, IPV4 + block(4, 0, 2, 1, 2)),
  'v2-two-tlvs': version2(0x21, 0x11, IPV4 + block(0xe1, 0, 3, 97, 98, 99, 5, 0, 1, 120)),
  'v2-tlv-cut': version2(0x21, 0x11, IPV4 + block(0xe1, 0, 9, 97)),
  'v2-short': version2(0x21, 0x11, IPV4.slice(0, 8)),
  'v2-datagram': version2(0x21, 0x12, IPV4),
  'v2-unspecified': version2(0x21, 0x00, ''),
  'v2-command': version2(0x22, 0x11, IPV4),
  'v2-version': version2(0x11, 0x11, IPV4),
  'v2-ipv6': version2(0x21, 0x21, `${'\0'.repeat(15)}\x01${'\0'.repeat(15)}\x02\x04\x57\x08\xae`),
}
const preface: Arbitrary<Beginning> = fc
  .constantFrom(...Object.entries(PREFACES))
  .map(([name, preface]) => ({ name, preface, steps: [] }))

const outV1 = withProxyHeader('bytes-proxy-v1', { version: 'V1' })
const outV2 = withProxyHeader('bytes-proxy-v2', { version: 'V2' })
const outTlvs = withProxyHeader('bytes-proxy-tlvs', { version: 'V2', pass_through_tlvs: { match_type: 'INCLUDE_ALL' } })

const PLANS: readonly TcpPlan[] = [
  { listener: { name: 'tcp-plain', tcpProxy: BYTES } },
  { listener: { name: 'tcp-dead', tcpProxy: DEAD } },
  { listener: { name: 'tcp-dead-thrice', tcpProxy: { ...DEAD, max_connect_attempts: 3 } } },
  { listener: { name: 'tcp-empty', tcpProxy: { cluster: EMPTY_CLUSTER } } },
  { listener: { name: 'tcp-nowhere', tcpProxy: { cluster: 'nowhere' } } },
  {
    listener: { name: 'tcp-idle', tcpProxy: { ...BYTES, idle_timeout: '1s' } },
    last: [{ by: 'client', does: 'wait' }],
    timed: true,
  },
  {
    listener: { name: 'tcp-duration', tcpProxy: { ...BYTES, max_downstream_connection_duration: '2s' } },
    last: [{ by: 'client', does: 'wait' }],
    timed: true,
  },
  {
    listener: {
      name: 'tcp-names',
      chains: [
        matched({ server_names: ['a.test'], application_protocols: ['h2'] }, DEAD),
        matched({ server_names: ['a.test'] }),
        matched({ server_names: ['*.b.test'] }),
        matched({ transport_protocol: 'raw_buffer' }),
      ],
      listener: { listener_filters: [inspector] },
    },
    first: hello,
  },
  {
    listener: {
      name: 'tcp-default-chain',
      chains: [matched({ server_names: ['a.test'], transport_protocol: 'tls' }, DEAD)],
      listener: {
        listener_filters: [inspector],
        default_filter_chain: {
          filters: [{ name: 'tcp', typed_config: { '@type': TCP_PROXY, ...BYTES, stat_prefix: 'tcp' } }],
        },
      },
    },
    first: hello,
  },
  {
    listener: {
      name: 'tcp-proxied',
      tcpProxy: BYTES,
      listener: { listener_filters: [proxyHeader()] },
    },
    first: preface,
  },
  {
    listener: {
      name: 'tcp-maybe-proxied',
      tcpProxy: BYTES,
      listener: { listener_filters: [proxyHeader({ allow_requests_without_proxy_protocol: true })] },
    },
    first: preface,
  },
  {
    listener: {
      name: 'tcp-by-source',
      chains: [
        matched(ranges(prefix('10.0.0.0', 8))),
        matched(ranges(prefix('10.1.0.0', 16), prefix('2001:db8::', 32)), DEAD),
        matched({ prefix_ranges: [prefix('10.0.0.1', 32)] }),
        matched({ source_type: 'SAME_IP_OR_LOOPBACK' }),
      ],
      listener: { listener_filters: [proxyHeader({ allow_requests_without_proxy_protocol: true })] },
    },
    first: preface,
  },
  { listener: { name: 'tcp-proxy-v1', tcpProxy: { cluster: outV1.name }, clusters: [outV1] } },
  { listener: { name: 'tcp-proxy-v2', tcpProxy: { cluster: outV2.name }, clusters: [outV2] } },
  {
    listener: {
      name: 'tcp-proxy-tlvs',
      tcpProxy: { cluster: outTlvs.name },
      clusters: [outTlvs],
      listener: { listener_filters: [proxyHeader({ pass_through_tlvs: { match_type: 'INCLUDE_ALL' } })] },
    },
    first: preface,
  },
  { listener: { name: 'tcp-over-tls', tcpProxy: BYTES, chains: [downstreamTls()] }, tls: true },
]

export const TCP_LISTENERS: readonly ListenerPlan[] = PLANS.map(({ listener }) => ({
  virtualHosts: [],
  ...listener,
}))

const bytes = fc.constantFrom('a', 'hello', '\0\xff\r\n', 'x'.repeat(5_000), 'y'.repeat(70_000))
const step: Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: bytes.map((send): Step => ({ by: 'client', send })) },
  { weight: 4, arbitrary: bytes.map((send): Step => ({ by: 'upstream', send })) },
  { weight: 2, arbitrary: fc.constantFrom<Step[]>({ by: 'client', does: 'end' }, { by: 'upstream', does: 'end' }) },
  { weight: 1, arbitrary: fc.constantFrom<Step[]>({ by: 'client', does: 'reset' }, { by: 'upstream', does: 'reset' }) },
)
const nothing = fc.constant<Beginning>({ name: 'plain', steps: [] })

interface Said {
  readonly beginning: string
  readonly dialogue: ScriptDialogue
}

const said = ({ first = nothing, last = [], tls = false }: TcpPlan): Arbitrary<Said> =>
  fc
    .record({ beginning: first, steps: fc.array(step, { minLength: 1, maxLength: 5 }) })
    .map(({ beginning: { name, preface = '', steps: before }, steps }) => ({
      beginning: name,
      dialogue: {
        protocol: 'script',
        client: 'bytes',
        ...(preface === '' ? {} : { preface }),
        ...(tls ? { tls: TLS } : {}),
        steps: [...before, ...steps, ...last],
      },
    }))

export function tcpCases(seed: number, each: number): readonly DifferentialCase[] {
  return PLANS.flatMap((plan, which) =>
    fc
      .sample(said(plan), { seed: seed * 1_000 + which, numRuns: each })
      .map(({ beginning, dialogue }, index): DifferentialCase => {
        const listener = plan.listener.name
        const timed = plan.timed ? { timed: plan.timed } : {}
        return { name: `${listener}/${beginning}/${seed}.${index}`, listener, dialogue, ...timed }
      }),
  )
}

/** Every beginning once, with a word of either side behind it; and a reset behind TLS. */
export const TCP_BY_HAND: readonly DifferentialCase[] = [
  ...Object.entries(PREFACES).map(([name, preface]) => beginning('tcp-proxied', name, preface, [])),
  {
    name: 'tcp-over-tls/plain/corpus',
    listener: 'tcp-over-tls',
    dialogue: { protocol: 'script', client: 'bytes', tls: TLS, steps: [{ by: 'upstream', does: 'reset' }] },
  },
  ...Object.entries({ ...HELLOS, ...HOSTILE_HELLOS }).map(([name, send]) =>
    beginning('tcp-names', name, '', [{ by: 'client', send }]),
  ),
]

function beginning(listener: string, name: string, preface: string, first: readonly Step[]): DifferentialCase {
  const steps: Step[] = [...first, { by: 'client', send: 'a' }, { by: 'upstream', send: 'hello' }]
  return {
    name: `${listener}/${name}/corpus`,
    listener,
    dialogue: { protocol: 'script', client: 'bytes', ...(preface === '' ? {} : { preface }), steps },
  }
}
