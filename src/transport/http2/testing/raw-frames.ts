// For tests: frames made byte by byte, rule-breaking ones too, and frames read back.
import { FLAG, FRAME, FRAME_HEADER_BYTES, readUint32, writeFrameHeader } from '../frame.ts'
import { writeInteger } from '../hpack/integer.ts'

export type RawField = readonly [name: string, value: string]

export function frame(type: number, flags: number, streamId: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload as string, 'latin1')
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + body.length)
  writeFrameHeader(bytes, 0, body.length, type, flags, streamId)
  body.copy(bytes, FRAME_HEADER_BYTES)
  return bytes
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** A field block of literals that enter no table (RFC 7541 6.2.2), as plain text. */
export function block(fields: readonly RawField[]): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of fields) {
    parts.push(Buffer.from([0]))
    for (const text of [name, value]) {
      const length = Buffer.alloc(8)
      parts.push(length.subarray(0, writeInteger(length, 0, 0, 7, text.length)), Buffer.from(text, 'latin1'))
    }
  }
  return Buffer.concat(parts)
}

export function headers(streamId: number, fields: readonly RawField[], flags: number = FLAG.endHeaders): Buffer {
  return frame(FRAME.headers, flags, streamId, block(fields))
}

export function data(streamId: number, body: Buffer | string, flags = 0): Buffer {
  return frame(FRAME.data, flags, streamId, body)
}

export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = pairs.map(([id, value]) => Buffer.concat([Buffer.from([id >>> 8, id]), uint32(value)]))
  return frame(FRAME.settings, 0, 0, Buffer.concat(payload))
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(FRAME.windowUpdate, 0, streamId, uint32(increment))
}

export function rstStream(streamId: number, code: number): Buffer {
  return frame(FRAME.rstStream, 0, streamId, uint32(code))
}

export interface ReadFrame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Buffer
}

export function readFrames(bytes: Buffer): ReadFrame[] {
  const frames: ReadFrame[] = []
  let at = 0
  while (at < bytes.length) {
    const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3)
    if (end > bytes.length) throw new Error('half a frame was sent')
    const payload = bytes.subarray(at + FRAME_HEADER_BYTES, end)
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, streamId: readUint32(bytes, at + 5), payload })
    at = end
  }
  return frames
}

const TYPES = Object.entries(FRAME)

/** One word a frame, for comparison: `headers 1 end`, `rstStream 1 8`, `goAway 0 1`. */
export function describe(read: ReadFrame): string {
  const { type, flags, streamId, payload } = read
  const words: (string | number)[] = [TYPES.find(([, value]) => value === type)?.[0] ?? type, streamId]
  if (type === FRAME.rstStream || type === FRAME.windowUpdate) words.push(readUint32(payload, 0))
  if (type === FRAME.goAway) words.push(readUint32(payload, 0), readUint32(payload, 4))
  if (type === FRAME.data) words.push(payload.length)
  if ((type === FRAME.settings || type === FRAME.ping) && flags & FLAG.ack) words.push('ack')
  if ((type === FRAME.data || type === FRAME.headers) && flags & FLAG.endStream) words.push('end')
  return words.join(' ')
}
