// Requests of one case as frames, and frames that are not only right.
import { FLAG, FRAME } from '../../../../src/transport/http2/frame.ts'
import { block, frame, headers, type RawField, uint32 } from '../../../../src/transport/http2/testing/raw-frames.ts'
import { CASE_FIELD } from '../../upstreams.ts'

export const END = FLAG.endHeaders | FLAG.endStream

/** Requests of one case, to one of the hosts. */
export class Asker {
  readonly #authority: string
  readonly #name: string

  constructor(authority: string, name: string) {
    this.#authority = authority
    this.#name = name
  }

  fields(id: number, method = 'GET', more: readonly RawField[] = []): RawField[] {
    return [
      [':method', method],
      [':scheme', 'http'],
      [':path', `/${id}`],
      [':authority', this.#authority],
      [CASE_FIELD, this.#name],
      ...more,
    ]
  }

  get(id: number, more: readonly RawField[] = []): Buffer {
    return headers(id, this.fields(id, 'GET', more), END)
  }

  /** A head that a body is to follow. */
  post(id: number, more: readonly RawField[] = []): Buffer {
    return headers(id, this.fields(id, 'POST', more))
  }

  block(id: number, more: readonly RawField[] = []): Buffer {
    return block(this.fields(id, 'GET', more))
  }
}

export type Frames = (ask: Asker) => readonly Buffer[]

export const flagged = (flags: number, id: number, payload: Buffer | string): Buffer =>
  frame(FRAME.headers, flags, id, payload)
export const priority = (id: number, on: number): Buffer =>
  frame(FRAME.priority, 0, id, Buffer.concat([uint32(on), Buffer.from([15])]))
export const ack = frame(FRAME.settings, FLAG.ack, 0)
export const continuation = (id: number, bytes: Buffer, flags: number = FLAG.endHeaders): Buffer =>
  frame(FRAME.continuation, flags, id, bytes)
export const RESERVED = 0x8000_0000
