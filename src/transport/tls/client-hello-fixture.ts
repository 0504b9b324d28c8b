// ClientHellos for tests, byte by byte. Nothing of production imports this file.

export function length16(bytes: Buffer): Buffer {
  return Buffer.from([bytes.length >> 8, bytes.length & 0xff])
}

export function extension(type: number, body: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 0xff]), length16(body), body])
}

/** Of a list of server names. */
export function entry(name: string): Buffer {
  const bytes = Buffer.from(name, 'latin1')
  return Buffer.concat([Buffer.from([0]), length16(bytes), bytes])
}

export function nameExtension(name: string): Buffer {
  const list = entry(name)
  return extension(0, Buffer.concat([length16(list), list]))
}

export interface HelloWish {
  /** The first extensions; by default the name `a.example`. */
  readonly names?: readonly Buffer[]
  /** The body of an ALPN extension. */
  readonly protocols?: Buffer
  readonly padding?: number
  readonly recordBytes?: number
}

export function hello({
  names = [nameExtension('a.example')],
  protocols,
  padding,
  recordBytes,
}: HelloWish = {}): Buffer {
  const extensions = Buffer.concat([
    ...names,
    ...(protocols ? [extension(16, protocols)] : []),
    // supported_versions, supported_groups, signature_algorithms
    extension(43, Buffer.from([2, 3, 4])),
    extension(10, Buffer.from([0, 2, 0, 0x1d])),
    extension(13, Buffer.from([0, 2, 4, 3])),
    ...(padding === undefined ? [] : [extension(21, Buffer.alloc(padding))]),
  ])
  const head = Buffer.from([3, 3, ...Buffer.alloc(32), 0, 0, 2, 0x13, 1, 1, 0])
  const body = Buffer.concat([head, length16(extensions), extensions])
  const message = Buffer.concat([Buffer.from([1, body.length >> 16]), length16(body), body])
  const records: Uint8Array[] = []
  for (let at = 0; at < message.length; at += recordBytes ?? 16_384) {
    const fragment = message.subarray(at, at + (recordBytes ?? 16_384))
    records.push(Buffer.from([0x16, 3, 1]), length16(fragment), fragment)
  }
  return Buffer.concat(records)
}
