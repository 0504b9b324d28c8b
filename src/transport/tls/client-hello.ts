// Reads a TLS ClientHello from bytes that have not been consumed: what Envoy's tls_inspector does (RFC 8446 4.1.2).
import { plainServerName } from './server-name.ts'

export type ClientHelloResult =
  /** Another look is of use from `needed` bytes on: who sends a byte at a time must not buy a parse with each. */
  | { readonly kind: 'incomplete'; readonly needed: number }
  /** The first bytes are no TLS handshake, or a malformed one: Envoy treats both as plaintext. */
  | { readonly kind: 'not-tls' }
  | {
      readonly kind: 'client-hello'
      /** SNI as plainServerName; empty when none was sent. */
      readonly serverName: string
      readonly applicationProtocols: readonly string[]
    }

/** Envoy's default for max_client_hello_size. */
export const MAX_CLIENT_HELLO_BYTES = 16_384

const RECORD_HANDSHAKE = 0x16
const HANDSHAKE_CLIENT_HELLO = 0x01
const EXTENSION_SERVER_NAME = 0
const EXTENSION_ALPN = 16
const MAX_RECORD_BYTES = 16_384 + 256

const NOT_TLS: ClientHelloResult = { kind: 'not-tls' }

/** Looks at the first bytes of a connection. Never throws, whatever they are; a hello of more than 16 KiB is not TLS. */
export function parseClientHello(bytes: Buffer): ClientHelloResult {
  const message = joinRecords(bytes)
  if (message === null) return NOT_TLS
  if (message.length > 0 && message[0] !== HANDSHAKE_CLIENT_HELLO) return NOT_TLS
  if (message.length < 4) return { kind: 'incomplete', needed: bytes.length + 1 }
  const length = message.readUIntBE(1, 3)
  if (length > MAX_CLIENT_HELLO_BYTES) return NOT_TLS
  const missing = 4 + length - message.length
  if (missing > 0) return { kind: 'incomplete', needed: bytes.length + missing }
  return readHello(new ByteReader(message.subarray(4, 4 + length)))
}

/**
 * The first handshake message, as far as it has come: it may be split over several records (RFC 8446 5.1), with none of
 * another type between. What follows it is not looked at. Null: a record that cannot be one of them.
 */
function joinRecords(bytes: Buffer): Buffer | null {
  const fragments: Buffer[] = []
  let total = 0
  let wanted = 4
  for (let at = 0; at < bytes.length && total < wanted; ) {
    if (bytes[at] !== RECORD_HANDSHAKE) return null
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return null
    if (at + 5 > bytes.length) break
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > MAX_RECORD_BYTES) return null
    fragments.push(bytes.subarray(at + 5, Math.min(bytes.length, at + 5 + length)))
    total += fragments[fragments.length - 1]!.length
    at += 5 + length
    if (wanted === 4 && total >= 4) {
      const head = fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments)
      wanted = 4 + head.readUIntBE(1, 3)
    }
  }
  return fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments)
}

function readHello(hello: ByteReader): ClientHelloResult {
  hello.skip(2 + 32)
  hello.skip(hello.uint8())
  hello.skip(hello.uint16())
  hello.skip(hello.uint8())
  let serverName = ''
  let applicationProtocols: readonly string[] = []
  if (!hello.failed && hello.remaining > 0) {
    const extensions = hello.take(hello.uint16())
    while (!extensions.failed && extensions.remaining > 0) {
      const type = extensions.uint16()
      const body = extensions.take(extensions.uint16())
      if (type === EXTENSION_SERVER_NAME) serverName = readServerName(body)
      else if (type === EXTENSION_ALPN) applicationProtocols = readProtocols(body)
      if (body.failed) return NOT_TLS
    }
    if (extensions.failed) return NOT_TLS
  }
  return hello.failed ? NOT_TLS : { kind: 'client-hello', serverName, applicationProtocols }
}

function readServerName(body: ByteReader): string {
  const list = body.take(body.uint16())
  while (!list.failed && list.remaining > 0) {
    const type = list.uint8()
    const name = list.take(list.uint16())
    if (type === 0 && !list.failed) return plainServerName(name.text())
  }
  return ''
}

function readProtocols(body: ByteReader): readonly string[] {
  const list = body.take(body.uint16())
  const protocols: string[] = []
  while (!list.failed && list.remaining > 0) protocols.push(list.take(list.uint8()).text())
  return list.failed ? [] : protocols
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
