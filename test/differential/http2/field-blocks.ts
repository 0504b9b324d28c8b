// Field blocks out of HEADERS and CONTINUATION, decoded.
import { FLAG, FRAME } from '../../../src/transport/http2/frame.ts'
import { HeaderDecoder } from '../../../src/transport/http2/hpack/header-decoder.ts'
import type { ReadFrame } from '../../../src/transport/http2/testing/raw-frames.ts'
import type { Field } from '../message.ts'

export interface FieldBlock {
  readonly streamId: number
  readonly fields: readonly Field[]
  readonly endStream: boolean
}

export class FieldBlocks {
  readonly #decoder = new HeaderDecoder()
  #parts: Buffer[] = []
  #endStream = false

  /** The block that this frame ends; null when it ends none. */
  take({ type, flags, streamId, payload }: ReadFrame): FieldBlock | null {
    if (type === FRAME.headers) {
      const padding = (flags & FLAG.padded) !== 0 ? payload[0]! : 0
      const start = ((flags & FLAG.padded) !== 0 ? 1 : 0) + ((flags & FLAG.priority) !== 0 ? 5 : 0)
      this.#parts = [payload.subarray(start, payload.length - padding)]
      this.#endStream = (flags & FLAG.endStream) !== 0
    } else if (type === FRAME.continuation) this.#parts.push(payload)
    else return null
    if ((flags & FLAG.endHeaders) === 0) return null
    const bytes = Buffer.concat(this.#parts)
    const fields: Field[] = []
    const sink = { onField: ({ name }: { name: string }, value: string): void => void fields.push([name, value]) }
    if (!this.#decoder.decode(bytes, 0, bytes.length, sink)) fields.push([':status', '(not HPACK)'])
    return { streamId, fields, endStream: this.#endStream }
  }
}
