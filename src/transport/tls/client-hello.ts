// Reads a TLS ClientHello from bytes that have not been consumed: what Envoy's tls_inspector does (RFC 8446 4.1.2).

export type ClientHelloResult =
  | { readonly kind: 'incomplete' }
  /** The first bytes are no TLS handshake, or a malformed one: Envoy treats both as plaintext. */
  | { readonly kind: 'not-tls' }
  | {
      readonly kind: 'client-hello'
      /** SNI in lower case; empty when none was sent. */
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

const INCOMPLETE: ClientHelloResult = { kind: 'incomplete' }
const NOT_TLS: ClientHelloResult = { kind: 'not-tls' }

/** Looks at the first bytes of a connection. Never throws, whatever they are; more than 16 KiB without an end is not TLS. */
export function parseClientHello(bytes: Buffer): ClientHelloResult {
  if (bytes.length > 0 && bytes[0] !== RECORD_HANDSHAKE) return NOT_TLS
  const message = joinRecords(bytes)
  if (message === null) return NOT_TLS
  if (message.length > 0 && message[0] !== HANDSHAKE_CLIENT_HELLO) return NOT_TLS
  if (message.length < 4) return INCOMPLETE
  const length = message.readUIntBE(1, 3)
  if (length > MAX_CLIENT_HELLO_BYTES) return NOT_TLS
  if (message.length < 4 + length) return INCOMPLETE
  return readHello(new ByteReader(message.subarray(4, 4 + length)))
}

/** A handshake message may be split over several records (RFC 8446 5.1). Null: a record that cannot be one. */
function joinRecords(bytes: Buffer): Buffer | null {
  const fragments: Buffer[] = []
  let total = 0
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== RECORD_HANDSHAKE) return total >= 4 ? Buffer.concat(fragments) : null
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return null
    if (at + 5 > bytes.length) break
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > MAX_RECORD_BYTES) return null
    const fragment = bytes.subarray(at + 5, Math.min(bytes.length, at + 5 + length))
    fragments.push(fragment)
    total += fragment.length
    if (total > MAX_CLIENT_HELLO_BYTES + 4) break
    at += 5 + length
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
    if (type === 0 && !list.failed) return name.text().toLowerCase()
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
