// The fields by which proxies tell each other about the client: x-forwarded-*, x-envoy-* (Envoy,
// ConnectionManagerUtility::mutateRequestHeaders).
import { isIP } from 'node:net'
import { addHeader, getCombinedHeader, getHeader, type HeaderList, setHeader } from '../../transport/header-list.ts'
import { FIELD } from '../../transport/http/field-name.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import type { ConnectionInfo } from '../connection-info.ts'

export interface ForwardedConfig {
  /** This proxy is the edge: the client is who connects, not who x-forwarded-for says. */
  readonly useRemoteAddress: boolean
  readonly trustedHops: number
  readonly skipForwardedForAppend: boolean
  readonly appendForwardedPort: boolean
  /** Of every request, whatever it says (scheme_to_overwrite); empty: its own. */
  readonly scheme: string
}

/**
 * Fields by which a trusted caller would steer the router. Only internal requests may carry them, and since Envoy 1.33
 * nothing is internal unless internal_address_config says so, which Weft does not take.
 */
const INTERNAL_ONLY: ReadonlySet<string> = new Set(
  (
    'internal retriable-status-codes retriable-header-names retry-on retry-grpc-on max-retries upstream-alt-stat-name ' +
    'upstream-rq-timeout-ms upstream-rq-per-try-timeout-ms upstream-rq-timeout-alt-response expected-rq-timeout-ms ' +
    'force-trace ip-tags original-url hedge-on-per-try-timeout'
  )
    .split(' ')
    .map(name => `x-envoy-${name}`),
)

/** Besides, from outside the mesh: what only a proxy of the mesh sets. */
const EDGE_ONLY: ReadonlySet<string> = new Set([
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-original-path',
  'x-envoy-original-host',
  'x-envoy-external-address',
])

/** `fields`: what occurs in the request. */
export function setForwardedHeaders(
  head: RequestHead,
  fields: number,
  connection: ConnectionInfo,
  config: ForwardedConfig,
): void {
  const headers = head.headers
  const transport = connection.tls ? 'https' : 'http'
  if (fields & FIELD.envoy) dropEnvoyFields(headers, config.useRemoteAddress)
  if (config.useRemoteAddress) {
    setAtEdge(headers, fields, connection, config)
    if (config.trustedHops === 0 || (fields & FIELD.forwardedProto) === 0) {
      setHeader(headers, 'x-forwarded-proto', transport)
    }
  } else if ((fields & FIELD.forwardedProto) === 0) addHeader(headers, 'x-forwarded-proto', transport)
  // Unless the request said so itself, the scheme is what the proxies before this one, if trusted, say it was. Of any
  // other than these two nothing is passed on (Envoy).
  if (head.scheme !== 'http' && head.scheme !== 'https') {
    const forwarded = getHeader(headers, 'x-forwarded-proto')
    head.scheme = knownScheme(head.scheme.toLowerCase()) ?? knownScheme(forwarded) ?? transport
  }
  if (config.scheme !== '') {
    head.scheme = config.scheme
    setHeader(headers, 'x-forwarded-proto', config.scheme)
  }
  if (config.appendForwardedPort && getHeader(headers, 'x-forwarded-port') === undefined) {
    addHeader(headers, 'x-forwarded-port', String(connection.localPort))
  }
}

function knownScheme(scheme: string | undefined): string | undefined {
  return scheme === 'http' || scheme === 'https' ? scheme : undefined
}

function setAtEdge(headers: HeaderList, fields: number, connection: ConnectionInfo, config: ForwardedConfig): void {
  const before = fields & FIELD.forwardedFor ? getCombinedHeader(headers, 'x-forwarded-for') : undefined
  const client = (before !== undefined && trustedClient(headers, config)) || connection.remoteIp
  // An internal connection may have no address to tell.
  if (!config.skipForwardedForAppend && connection.remoteIp !== '') {
    setHeader(headers, 'x-forwarded-for', before ? `${before},${connection.remoteIp}` : connection.remoteIp)
  }
  if (client !== '') addHeader(headers, 'x-envoy-external-address', client)
}

/** The client, as far as the proxies before this one are trusted to say; empty: who connects. */
export function trustedClient(headers: HeaderList, config: ForwardedConfig): string {
  // Without use_remote_address the one that connects is trusted to have added its own client's (Envoy).
  const hops = config.useRemoteAddress ? config.trustedHops : config.trustedHops + 1
  if (hops === 0) return ''
  const client = hopFromEnd(getCombinedHeader(headers, 'x-forwarded-for') ?? '', hops)
  return client !== undefined && isIP(client) !== 0 ? client : ''
}

/** The address that the outermost trusted proxy saw: `hops` from the end of what they wrote. */
function hopFromEnd(forwardedFor: string, hops: number): string | undefined {
  const addresses = forwardedFor.split(',')
  return addresses[addresses.length - hops]?.trim() || undefined
}

function dropEnvoyFields(headers: HeaderList, isEdge: boolean): void {
  let kept = 0
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    if (INTERNAL_ONLY.has(name) || (isEdge && EDGE_ONLY.has(name))) continue
    headers[kept] = name
    headers[kept + 1] = headers[i + 1]!
    kept += 2
  }
  headers.length = kept
}
