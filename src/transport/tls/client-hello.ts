// Reads a TLS ClientHello from bytes that have not been consumed: what Envoy's tls_inspector does (RFC 8446 4.1.2).
import { plainServerName } from './server-name.ts'

export type ClientHelloResult =
  /** Another look is of use from `needed` bytes on: who sends a byte at a time must not buy a parse with each. */
  | { readonly kind: 'incomplete'; readonly needed: number }
  /** The first bytes are no TLS handshake, or a malformed one: Envoy treats both as plaintext. */
  | { readonly kind: 'not-tls' }
  /** It says itself that it is longer than any that is read. */
  | { readonly kind: 'too-large' }
  | {
      readonly kind: 'client-hello'
      /** SNI as plainServerName; empty when none was sent. */
      readonly serverName: string
      readonly applicationProtocols: readonly string[]
    }

/** On the wire, with the headers of its records, as Envoy counts. */
export const MAX_CLIENT_HELLO_BYTES = 16_384

const RECORD_ALERT = 0x15
const RECORD_HANDSHAKE = 0x16
const ALERT_WARNING = 1
const HANDSHAKE_CLIENT_HELLO = 0x01
const EXTENSION_SERVER_NAME = 0
const EXTENSION_ALPN = 16
const MAX_RECORD_BYTES = 16_384 + 256
const MAX_SESSION_ID_BYTES = 32
const MAX_SERVER_NAME_BYTES = 255

const NOT_TLS: ClientHelloResult = { kind: 'not-tls' }
const TOO_LARGE: ClientHelloResult = { kind: 'too-large' }

/**
 * Looks at the first bytes of a connection. Never throws, whatever they are. Whoever reads less in a hello than the server
 * behind it lets through what a server name should have stopped: so it is read as BoringSSL does, warnings and empty
 * records before and within it passed over, and one that is too long is told from what is no TLS.
 */
export function parseClientHello(bytes: Buffer): ClientHelloResult {
  const message = joinRecords(bytes)
  if (message === null) return NOT_TLS
  if (message.length > 0 && message[0] !== HANDSHAKE_CLIENT_HELLO) return NOT_TLS
  if (message.length < 4) return { kind: 'incomplete', needed: bytes.length + 1 }
  const length = message.readUIntBE(1, 3)
  if (length > MAX_CLIENT_HELLO_BYTES) return TOO_LARGE
  const missing = 4 + length - message.length
  if (missing > 0) return { kind: 'incomplete', needed: bytes.length + missing }
  return readHello(new ByteReader(message.subarray(4, 4 + length)))
}

/**
 * The first handshake message, as far as it has come: it may be split over several records (RFC 8446 5.1). What follows it
 * is not looked at. Null: a record that cannot be one of them.
 */
function joinRecords(bytes: Buffer): Buffer | null {
  const fragments: Buffer[] = []
  let total = 0
  let wanted = 4
  for (let at = 0; at < bytes.length && total < wanted && wanted <= 4 + MAX_CLIENT_HELLO_BYTES; ) {
    const type = bytes[at]
    if (type !== RECORD_HANDSHAKE && type !== RECORD_ALERT) return null
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return null
    if (at + 5 > bytes.length) break
    const length = bytes.readUInt16BE(at + 3)
    if (length > MAX_RECORD_BYTES) return null
    const body = bytes.subarray(at + 5, at + 5 + length)
    at += 5 + length
    if (type === RECORD_ALERT) {
      if (length !== 2 || (body.length > 0 && body[0] !== ALERT_WARNING)) return null
      continue
    }
    if (body.length === 0) continue
    fragments.push(body)
    total += body.length
    if (wanted === 4 && total >= 4) {
      const head = fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments)
      wanted = 4 + head.readUIntBE(1, 3)
    }
  }
  return fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments)
}

/** RFC 8446 4.1.2. */
function readHello(hello: ByteReader): ClientHelloResult {
  hello.skip(2 + 32)
  const sessionId = hello.take(hello.uint8())
  const suites = hello.take(hello.uint16())
  const compressions = hello.take(hello.uint8())
  if (hello.failed || sessionId.remaining > MAX_SESSION_ID_BYTES) return NOT_TLS
  if (suites.remaining === 0 || suites.remaining % 2 !== 0 || compressions.remaining === 0) return NOT_TLS
  if (hello.remaining === 0) return { kind: 'client-hello', serverName: '', applicationProtocols: [] }
  const extensions = hello.take(hello.uint16())
  return extensions.failed || hello.remaining > 0 ? NOT_TLS : readExtensions(extensions)
}

function readExtensions(extensions: ByteReader): ClientHelloResult {
  const seen = new Set<number>()
  let serverName: string | null = ''
  let applicationProtocols: readonly string[] = []
  while (extensions.remaining > 0) {
    const type = extensions.uint16()
    const body = extensions.take(extensions.uint16())
    // No more than one of a type (RFC 8446 4.2): else two readers may each take another.
    if (extensions.failed || seen.has(type)) return NOT_TLS
    seen.add(type)
    if (type === EXTENSION_SERVER_NAME) serverName = readServerName(body)
    else if (type === EXTENSION_ALPN) applicationProtocols = readProtocols(body)
  }
  return serverName === null ? NOT_TLS : { kind: 'client-hello', serverName, applicationProtocols }
}

/** One host name and nothing else, as BoringSSL has it (RFC 6066 3); null: malformed. */
function readServerName(body: ByteReader): string | null {
  const list = body.take(body.uint16())
  const type = list.uint8()
  const name = list.take(list.uint16())
  if (name.failed || type !== 0 || list.remaining > 0 || body.remaining > 0) return null
  const text = name.text()
  if (text === '' || text.length > MAX_SERVER_NAME_BYTES || text.includes('\0')) return null
  return plainServerName(text)
}

/** A malformed list is left to the server, as in Envoy. */
function readProtocols(body: ByteReader): readonly string[] {
  const list = body.take(body.uint16())
  const protocols: string[] = []
  while (!list.failed && list.remaining > 0) protocols.push(list.take(list.uint8()).text())
  return list.failed || body.remaining > 0 || protocols.includes('') ? [] : protocols
}

/** Reads big-endian fields; past the end it sets `failed` and yields zeros, so that the caller checks once. */
class ByteReader {
  readonly #bytes: Buffer
  #at = 0
  failed = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  uint8(): number {
    return this.#advance(1) ? this.#bytes[this.#at - 1]! : 0
  }

  uint16(): number {
    return this.#advance(2) ? this.#bytes.readUInt16BE(this.#at - 2) : 0
  }

  skip(length: number): void {
    this.#advance(length)
  }

  take(length: number): ByteReader {
    const start = this.#at
    const taken = new ByteReader(this.#advance(length) ? this.#bytes.subarray(start, start + length) : Buffer.alloc(0))
    taken.failed = this.failed
    return taken
  }

  text(): string {
    return this.#bytes.toString('latin1', this.#at)
  }

  #advance(length: number): boolean {
    if (this.failed || length > this.remaining) {
      this.failed = true
      return false
    }
    this.#at += length
    return true
  }
}
