// Which filter chain takes a connection: Envoy's order of criteria, the most specific match of each deciding before
// the next is looked at, without going back (envoy/config/listener/v3/listener_components.proto, FilterChainMatch).
import { type Cidr, parseCidr } from '../../base/cidr.ts'
import type { CidrRange } from '../../xds/generated/envoy/config/core/v3/address_pb.ts'
import {
  type FilterChainMatch as FilterChainMatchMessage,
  FilterChainMatchSchema,
  FilterChainMatch_ConnectionSourceType as SourceType,
} from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

export interface ConnectionFacts {
  readonly destinationIp: string
  readonly destinationPort: number
  /** The peer of the socket itself; the source may be one that a PROXY header announced. */
  readonly directSourceIp: string
  readonly sourceIp: string
  readonly sourcePort: number
  readonly serverName: string
  /** `tls` or `raw_buffer`. */
  readonly transportProtocol: string
  readonly applicationProtocols: readonly string[]
}

export interface FilterChainMatch {
  readonly destinationPort: number | null
  readonly destinationRanges: readonly Cidr[]
  /** Lower case; `*.example.com` is kept as `.example.com`. */
  readonly serverNames: readonly string[]
  readonly transportProtocol: string
  readonly applicationProtocols: readonly string[]
  readonly directSourceRanges: readonly Cidr[]
  readonly sourceType: SourceType
  readonly sourceRanges: readonly Cidr[]
  readonly sourcePorts: readonly number[]
}

const FIELDS = new Set([
  'destination_port',
  'prefix_ranges',
  'server_names',
  'transport_protocol',
  'application_protocols',
  'direct_source_prefix_ranges',
  'source_type',
  'source_prefix_ranges',
  'source_ports',
])
/** Just these, as in Envoy: Istio's sidecars call their applications from 127.0.0.6, and that is from outside. */
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1'])

export function compileFilterChainMatch(
  message: FilterChainMatchMessage | undefined,
  path: string,
  check: ResourceCheck,
): FilterChainMatch {
  if (message) check.honour(FilterChainMatchSchema, message, path, FIELDS)
  const ranges = (field: string, list: readonly CidrRange[] = []): Cidr[] =>
    list.flatMap((range, index) => compileRange(range, `${path}.${field}[${index}]`, check))
  return {
    destinationPort: portOf(message?.destinationPort, `${path}.destination_port`, check),
    destinationRanges: ranges('prefix_ranges', message?.prefixRanges),
    serverNames: (message?.serverNames ?? []).map((name, index) =>
      serverName(name, `${path}.server_names[${index}]`, check),
    ),
    transportProtocol: message?.transportProtocol ?? '',
    applicationProtocols: message?.applicationProtocols ?? [],
    directSourceRanges: ranges('direct_source_prefix_ranges', message?.directSourcePrefixRanges),
    sourceType: message?.sourceType ?? SourceType.ANY,
    sourceRanges: ranges('source_prefix_ranges', message?.sourcePrefixRanges),
    sourcePorts: (message?.sourcePorts ?? []).flatMap(
      (port, index) => portOf(port, `${path}.source_ports[${index}]`, check) ?? [],
    ),
  }
}

function portOf(port: number | undefined, path: string, check: ResourceCheck): number | null {
  if (port === undefined) return null
  if (port < 1 || port > 65_535) check.error(path, 'must be a port, 1 to 65535')
  return port
}

function serverName(name: string, path: string, check: ResourceCheck): string {
  const lower = name.toLowerCase()
  const plain = lower.startsWith('*.') ? lower.slice(1) : lower
  if (plain.includes('*') || plain === '')
    check.error(path, `partial wildcards are not supported in server_names: ${name}`)
  return plain
}

function compileRange(range: CidrRange, path: string, check: ResourceCheck): Cidr[] {
  const cidr = parseCidr(range.addressPrefix, range.prefixLen ?? 0)
  if (!cidr) check.error(path, `${range.addressPrefix}/${range.prefixLen ?? 0} is not an address range`)
  return cidr ? [cidr] : []
}

interface Candidate {
  readonly match: FilterChainMatch
}

/** The chain for a connection, or undefined when none wants it. Cold: once for each connection. */
export function findFilterChain<C extends Candidate>(chains: readonly C[], facts: ConnectionFacts): C | undefined {
  let left = narrow(chains, ({ match }) =>
    match.destinationPort === null ? 0 : match.destinationPort === facts.destinationPort ? 1 : -1,
  )
  left = narrow(left, ({ match }) => rangeScore(match.destinationRanges, facts.destinationIp))
  left = narrow(left, ({ match }) => serverNameScore(match.serverNames, facts.serverName))
  left = narrow(left, ({ match }) =>
    match.transportProtocol === '' ? 0 : match.transportProtocol === facts.transportProtocol ? 1 : -1,
  )
  left = narrow(left, ({ match }) => protocolScore(match.applicationProtocols, facts.applicationProtocols))
  left = narrow(left, ({ match }) => rangeScore(match.directSourceRanges, facts.directSourceIp))
  left = narrow(left, ({ match }) => sourceTypeScore(match.sourceType, facts))
  left = narrow(left, ({ match }) => rangeScore(match.sourceRanges, facts.sourceIp))
  left = narrow(left, ({ match }) =>
    match.sourcePorts.length === 0 ? 0 : match.sourcePorts.includes(facts.sourcePort) ? 1 : -1,
  )
  return left[0]
}

/** Keeps the candidates of the highest score; below zero is no match, zero is "any". */
function narrow<C>(candidates: readonly C[], score: (candidate: C) => number): readonly C[] {
  let best = 0
  let kept: C[] = []
  for (const candidate of candidates) {
    const own = score(candidate)
    if (own < best) continue
    if (own > best) kept = []
    best = own
    kept.push(candidate)
  }
  return kept
}

function rangeScore(ranges: readonly Cidr[], address: string): number {
  if (ranges.length === 0) return 0
  let longest = -1
  for (const range of ranges) if (range.contains(address)) longest = Math.max(longest, range.prefixLength + 1)
  return longest
}

function serverNameScore(names: readonly string[], serverName: string): number {
  if (names.length === 0) return 0
  if (serverName !== '' && names.includes(serverName)) return Number.MAX_SAFE_INTEGER
  let longest = -1
  for (const name of names) {
    if (name.startsWith('.') && serverName.endsWith(name) && serverName.length > name.length) {
      longest = Math.max(longest, name.length)
    }
  }
  return longest
}

/** The client's order decides: the first protocol it offers that some chain names. */
function protocolScore(own: readonly string[], offered: readonly string[]): number {
  if (own.length === 0) return 0
  const index = offered.findIndex(protocol => own.includes(protocol))
  return index < 0 ? -1 : offered.length - index
}

function sourceTypeScore(type: SourceType, facts: ConnectionFacts): number {
  if (type === SourceType.ANY) return 0
  const local = facts.sourceIp === facts.destinationIp || LOOPBACK.has(facts.sourceIp)
  return (type === SourceType.SAME_IP_OR_LOOPBACK) === local ? 1 : -1
}
