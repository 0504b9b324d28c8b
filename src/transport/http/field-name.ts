// Field names as the parser meets them: recognised from their bytes without making a string, lower case, and the same
// string object each time, so that comparing names further on is comparing pointers.
import { TOKEN_LOWER } from './character.ts'
import { latin1 } from './latin1.ts'

/** Which of the fields that the mesh itself acts on occur in a message: a bit each, so that absence costs one test. */
export const FIELD = {
  host: 1 << 0,
  contentLength: 1 << 1,
  transferEncoding: 1 << 2,
  connection: 1 << 3,
  /** Hop by hop whatever `connection` says: keep-alive, proxy-connection. */
  hopByHop: 1 << 4,
  te: 1 << 5,
  upgrade: 1 << 6,
  expect: 1 << 7,
  requestId: 1 << 8,
  forwardedFor: 1 << 9,
  forwardedProto: 1 << 10,
  forwardedClientCert: 1 << 11,
  /** Any `x-envoy-*`. */
  envoy: 1 << 12,
  date: 1 << 13,
  server: 1 << 14,
  reason: 1 << 15,
  grpcStatus: 1 << 16,
  /** Any name with an underscore, besides what else it is. */
  underscore: 1 << 17,
} as const

/** RFC 9110 6.5.1: fields that frame, route or authenticate have no business behind a body; they are dropped. */
export const NOT_IN_TRAILERS =
  FIELD.host |
  FIELD.contentLength |
  FIELD.transferEncoding |
  FIELD.connection |
  FIELD.hopByHop |
  FIELD.te |
  FIELD.upgrade |
  FIELD.expect |
  FIELD.forwardedFor |
  FIELD.forwardedProto |
  FIELD.forwardedClientCert |
  FIELD.envoy

const FIELD_BITS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    host: FIELD.host,
    'content-length': FIELD.contentLength,
    'transfer-encoding': FIELD.transferEncoding,
    connection: FIELD.connection,
    'keep-alive': FIELD.hopByHop,
    'proxy-connection': FIELD.hopByHop,
    te: FIELD.te,
    upgrade: FIELD.upgrade,
    expect: FIELD.expect,
    'x-request-id': FIELD.requestId,
    'x-forwarded-for': FIELD.forwardedFor,
    'x-forwarded-proto': FIELD.forwardedProto,
    'x-forwarded-client-cert': FIELD.forwardedClientCert,
    date: FIELD.date,
    server: FIELD.server,
    'x-weft-reason': FIELD.reason,
    'grpc-status': FIELD.grpcStatus,
  }),
)

/** The bit that stands for this one name; 0 for a name without, or one that shares its bit with others. */
export function fieldBit(name: string): number {
  return FIELD_BITS.get(name) ?? 0
}

const COMMON_NAMES = [
  'accept,accept-encoding,accept-language,accept-ranges,access-control-allow-origin,age,authorization,cache-control',
  'content-disposition,content-encoding,content-language,content-type,cookie,etag,expires,if-match',
  'if-modified-since,if-none-match,last-modified,location,origin,pragma,range,referer,set-cookie,trailer,traceparent',
  'tracestate,user-agent,vary,via,x-b3-traceid,x-b3-spanid,x-b3-parentspanid,x-b3-sampled,x-forwarded-host',
  'x-forwarded-port,x-powered-by,end-user',
]
  .join(',')
  .split(',')

export interface FieldName {
  /** Lower case. */
  readonly name: string
  /** A bit of FIELD, or 0. */
  readonly bit: number
}

const SLOTS = 4096
const known: (FieldName | undefined)[] = new Array(SLOTS)
// One name a slot, replaced by the next that falls there: a peer that invents names costs time, never memory.
const learnt: (FieldName | undefined)[] = new Array(SLOTS)

/** The hash that the parser builds while it checks a name, one lower-case byte at a time from 0. */
export function hashByte(hash: number, lower: number): number {
  return (Math.imul(hash, 31) + lower) | 0
}

/** The name at `bytes[start, end)`, all of whose bytes are known to be token characters. */
export function fieldName(bytes: Buffer, start: number, end: number, hash: number): FieldName {
  const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1)
  const first = known[slot]
  if (first !== undefined && isSame(first.name, bytes, start, end)) return first
  const second = learnt[slot]
  if (second !== undefined && isSame(second.name, bytes, start, end)) return second
  const made = makeFieldName(latin1(bytes, start, end).toLowerCase())
  learnt[slot] = made
  return made
}

function isSame(name: string, bytes: Buffer, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== TOKEN_LOWER[bytes[start + i]!]) return false
  return true
}

function makeFieldName(text: string): FieldName {
  // As a property key a string becomes V8's one copy of it, and comparing two such is comparing pointers.
  const name = Object.keys({ [text]: 0 })[0]!
  const underscore = name.includes('_') ? FIELD.underscore : 0
  return { name, bit: underscore | (name.startsWith('x-envoy-') ? FIELD.envoy : (FIELD_BITS.get(name) ?? 0)) }
}

for (const text of [...FIELD_BITS.keys(), ...COMMON_NAMES]) {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = hashByte(hash, text.charCodeAt(i))
  known[(hash ^ (hash >>> 12)) & (SLOTS - 1)] = makeFieldName(text)
}
