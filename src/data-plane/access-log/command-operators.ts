// Envoy's command operators (configuration/observability/access_log/usage), each compiled to a function of the stream.
// Access logs and header mutations share them.
import { hostname } from 'node:os'
import { toByteString } from '../../automata/regex.ts'
import { getHeader, type HeaderList } from '../../transport/header-list.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { formatConnectionFlags, formatResponseFlags } from '../response-flag.ts'
import type { StreamInfo } from '../stream-info.ts'
import { type Command, parseFormat } from './command-parser.ts'
import { compileStartTime, DEFAULT_START_TIME } from './start-time.ts'

/** Text as the wire has it (one character for each byte), a number, or null where there is nothing to say. */
export type Operator = (info: StreamInfo) => string | number | null

export type CompiledPart = string | Operator

export type CompiledFormat = { readonly parts: readonly CompiledPart[] } | { readonly fault: string }

/** Literals and operators in order, or the first fault. */
export function compileFormat(format: string): CompiledFormat {
  const parsed = parseFormat(format)
  if ('fault' in parsed) return parsed
  const parts: CompiledPart[] = []
  for (const part of parsed.parts) {
    if (typeof part === 'string') {
      parts.push(toByteString(part))
      continue
    }
    const operator = compileCommand(part)
    if ('fault' in operator) return operator
    parts.push(operator.run)
  }
  return { parts }
}

function orNull(text: string): string | null {
  return text === '' ? null : text
}

const SIMPLE: Readonly<Record<string, Operator>> = {
  PROTOCOL: info => orNull(info.protocol),
  RESPONSE_CODE: info => info.responseCode,
  RESPONSE_CODE_DETAILS: info => orNull(info.responseCodeDetails),
  CONNECTION_TERMINATION_DETAILS: info => orNull(info.connectionTerminationDetails),
  RESPONSE_FLAGS: info =>
    info.protocol === '' ? formatConnectionFlags(info.responseFlags) : formatResponseFlags(info.responseFlags),
  BYTES_RECEIVED: info => info.bytesReceived,
  BYTES_SENT: info => info.bytesSent,
  DURATION: info => Math.floor(info.duration),
  UPSTREAM_HOST: info => orNull(info.upstreamHost),
  UPSTREAM_CLUSTER: info => orNull(info.upstreamCluster),
  UPSTREAM_CLUSTER_RAW: info => orNull(info.upstreamCluster),
  UPSTREAM_LOCAL_ADDRESS: info => orNull(info.upstreamLocalAddress),
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: info => orNull(withoutPort(info.upstreamLocalAddress)),
  UPSTREAM_LOCAL_PORT: info => orNull(portOf(info.upstreamLocalAddress)),
  UPSTREAM_REMOTE_ADDRESS: info => orNull(connectedHost(info)),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: info => orNull(withoutPort(connectedHost(info))),
  UPSTREAM_REMOTE_PORT: info => orNull(portOf(connectedHost(info))),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: info => info.attemptCount,
  UPSTREAM_TRANSPORT_FAILURE_REASON: info => orNull(info.upstreamTransportFailureReason),
  DOWNSTREAM_LOCAL_ADDRESS: info => info.connection.localAddress,
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: info => withoutPort(info.connection.localAddress),
  DOWNSTREAM_LOCAL_PORT: info => info.connection.localPort,
  DOWNSTREAM_REMOTE_ADDRESS: clientAddress,
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: info =>
    info.clientIp || info.connection.remoteIp || info.connection.remoteAddress,
  DOWNSTREAM_REMOTE_PORT: info => orNull(portOf(clientAddress(info))),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: info => info.connection.directRemoteAddress,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: info =>
    info.connection.directRemoteIp || info.connection.directRemoteAddress,
  DOWNSTREAM_DIRECT_REMOTE_PORT: info => orNull(portOf(info.connection.directRemoteAddress)),
  DOWNSTREAM_PEER_URI_SAN: info => ofPeer(info.connection, peer => peer.uriSan),
  DOWNSTREAM_PEER_DNS_SAN: info => ofPeer(info.connection, peer => peer.dnsSans.join(',')),
  DOWNSTREAM_PEER_SUBJECT: info => ofPeer(info.connection, peer => peer.subject),
  DOWNSTREAM_PEER_FINGERPRINT_256: info => ofPeer(info.connection, peer => peer.sha256),
  DOWNSTREAM_LOCAL_URI_SAN: info => orNull(info.connection.localUriSan),
  REQUESTED_SERVER_NAME: info => orNull(info.connection.requestedServerName),
  ROUTE_NAME: info => orNull(info.routeName),
  CONNECTION_ID: info => info.connection.id,
}

const PARAMETERISED = ['START_TIME', 'REQ', 'RESP', 'REQ_WITHOUT_QUERY', 'HOSTNAME', 'DYNAMIC_METADATA'] as const

/** The host was chosen; an address it has once there is a connection. */
function connectedHost({ upstreamHost, upstreamLocalAddress }: StreamInfo): string {
  return upstreamLocalAddress === '' ? '' : upstreamHost
}

/** A client of whom a proxy before this one has told has no port. */
function clientAddress({ clientIp, connection }: StreamInfo): string {
  if (clientIp === '') return connection.remoteAddress
  return clientIp.includes(':') ? `[${clientIp}]:0` : `${clientIp}:0`
}

/** For a hint: what there is. */
export const OPERATOR_NAMES: readonly string[] = [...Object.keys(SIMPLE), ...PARAMETERISED].sort()

function compileCommand(command: Command): { run: Operator } | { fault: string } {
  const compiled = compileUncut(command)
  if ('fault' in compiled || command.maxLength < 0) return compiled
  const { run } = compiled
  const limit = command.maxLength
  return {
    run(info) {
      const value = run(info)
      return value === null ? null : String(value).slice(0, limit)
    },
  }
}

function compileUncut({ name, argument }: Command): { run: Operator } | { fault: string } {
  if (name === 'START_TIME') {
    const time = compileStartTime(argument === null || argument === '' ? DEFAULT_START_TIME : argument)
    if ('fault' in time) return { fault: `%START_TIME% does not know ${time.fault}` }
    return { run: info => time.format(info.startTime) }
  }
  if (name === 'HOSTNAME') {
    const name = toByteString(hostname())
    return { run: () => name }
  }
  if (name === 'DYNAMIC_METADATA') return compileMetadata(argument ?? '')
  if (name === 'REQ' || name === 'RESP' || name === 'REQ_WITHOUT_QUERY') return compileHeader(name, argument)
  const simple = Object.hasOwn(SIMPLE, name) ? SIMPLE[name] : undefined
  if (simple === undefined) return { fault: `%${name}% is not known` }
  return argument === null ? { run: simple } : { fault: `%${name}% takes no argument` }
}

/** `NAMESPACE:KEY`. What filters say here is never nested, so that one key is enough. */
function compileMetadata(argument: string): { run: Operator } | { fault: string } {
  const [namespace = '', key = '', ...deeper] = argument.split(':')
  if (namespace === '' || key === '' || deeper.length > 0)
    return { fault: '%DYNAMIC_METADATA(...)% needs a namespace and one key' }
  return { run: info => info.readMetadata(namespace, key) }
}

/** `A?B`: header A, or B where A is missing. */
function compileHeader(name: string, argument: string | null): { run: Operator } | { fault: string } {
  const names = (argument ?? '').toLowerCase().split('?')
  const [main = '', alternative] = names
  if (main === '' || names.length > 2 || alternative === '') return { fault: `%${name}(...)% needs a header name` }
  const read = name === 'RESP' ? readResponse : readRequest
  const run: Operator =
    alternative === undefined ? info => read(info, main) : info => read(info, main) ?? read(info, alternative)
  if (name !== 'REQ_WITHOUT_QUERY') return { run }
  return {
    run(info) {
      const value = run(info)
      const query = typeof value === 'string' ? value.indexOf('?') : -1
      return query < 0 ? value : (value as string).slice(0, query)
    },
  }
}

function readRequest(info: StreamInfo, name: string): string | null {
  if (name.charCodeAt(0) !== 58) return name === 'host' ? orNull(info.authority) : header(info.requestHeaders, name)
  switch (name) {
    case ':method':
      return orNull(info.method)
    case ':path':
      return orNull(info.path)
    case ':authority':
      return orNull(info.authority)
    case ':scheme':
      return header(info.requestHeaders, 'x-forwarded-proto') ?? (info.connection.tls ? 'https' : 'http')
    default:
      return null
  }
}

function readResponse(info: StreamInfo, name: string): string | null {
  if (name === ':status') return info.responseCode === 0 ? null : String(info.responseCode)
  return header(info.responseHeaders, name)
}

/** Of a repeated field the first value, as Envoy has it. */
function header(headers: HeaderList, name: string): string | null {
  return getHeader(headers, name) ?? null
}

function ofPeer(
  connection: ConnectionInfo,
  read: (peer: NonNullable<ConnectionInfo['peer']>) => string,
): string | null {
  return connection.peer === null ? null : orNull(read(connection.peer))
}

/** Internal addresses have none. */
function colonBeforePort(address: string): number {
  return address.startsWith('envoy://') ? -1 : address.lastIndexOf(':')
}

function withoutPort(address: string): string {
  const colon = colonBeforePort(address)
  if (colon < 0) return address
  return address.startsWith('[') ? address.slice(1, colon - 1) : address.slice(0, colon)
}

function portOf(address: string): string {
  const colon = colonBeforePort(address)
  return colon < 0 ? '' : address.slice(colon + 1)
}
