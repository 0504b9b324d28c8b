// For tests: a session between raw frames on one side and a record of its callbacks on the other.
import type { HeaderList } from '../../header-list.ts'
import type { RequestHead, ResponseHead } from '../../request-head.ts'
import { PREFACE } from '../frame.ts'
import { Http2Session } from '../session.ts'
import type { Http2SessionHandler } from '../session-handler.ts'
import { ENVOY_HTTP2_SETTINGS, type Http2Settings } from '../session-options.ts'
import type { Http2Stream } from '../stream.ts'
import type { Http2StreamHandler } from '../stream-handler.ts'
import { inBatch } from './attached-session.ts'
import { FakeSocket } from './fake-socket.ts'
import { describe, type RawField, type ReadFrame, readFrames, settings as settingsFrame } from './raw-frames.ts'

export const GET: readonly RawField[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/x'],
  [':authority', 'a'],
]
export const POST: readonly RawField[] = [[':method', 'POST'], ...GET.slice(1)]

class RecordedStream implements Http2StreamHandler {
  readonly #log: string[]
  readonly #id: () => number

  constructor(log: string[], id: () => number) {
    this.#log = log
    this.#id = id
  }

  onResponse(head: ResponseHead, _fields: number, endStream: boolean): void {
    this.#log.push(`response ${this.#id()} ${head.status} ${head.headers.join('|')}${endStream ? ' end' : ''}`)
  }

  onData(chunk: Buffer, endStream: boolean): void {
    this.#log.push(`data ${this.#id()} ${chunk.length}${endStream ? ' end' : ''}`)
  }

  onTrailers(headers: HeaderList): void {
    this.#log.push(`trailers ${this.#id()} ${headers.join('|')}`)
  }

  onReset(code: number, remote: boolean, details: string): void {
    this.#log.push(`reset ${this.#id()} ${code} ${remote ? 'remote' : 'local'} ${details}`)
  }

  onDrained(): void {
    this.#log.push(`drained ${this.#id()}`)
  }
}

export class RawSession implements Http2SessionHandler {
  readonly socket = new FakeSocket()
  readonly session: Http2Session
  /** What the handlers were told. */
  readonly log: string[] = []
  /** By id, as the peer opened them. */
  readonly streams = new Map<number, Http2Stream>()
  readonly heads: RequestHead[] = []
  /** Called for each request, before it is answered by nobody. */
  answer: (stream: Http2Stream, endStream: boolean) => void = () => {}

  constructor(side: 'server' | 'client', changes: Partial<Http2Settings> = {}) {
    this.session = new Http2Session(side, this.socket.asSocket(), this, { ...ENVOY_HTTP2_SETTINGS, ...changes })
  }

  /** With both sides' openings done. */
  static open(side: 'server' | 'client', changes: Partial<Http2Settings> = {}): RawSession {
    const raw = new RawSession(side, changes)
    inBatch(() => raw.session.start())
    if (side === 'server') raw.send(PREFACE)
    raw.send(settingsFrame())
    raw.log.length = 0
    raw.socket.take()
    return raw
  }

  send(...frames: readonly Buffer[]): this {
    const bytes = Buffer.concat(frames)
    inBatch(() => this.session.receive(bytes))
    return this
  }

  /** What was written since the last look. */
  frames(): ReadFrame[] {
    return readFrames(this.socket.take())
  }

  sent(): string[] {
    return this.frames().map(describe)
  }

  events(): string[] {
    return this.log.splice(0)
  }

  /** Client: a stream whose events are in the log. */
  openStream(): Http2Stream {
    const stream: Http2Stream = this.session.openStream(new RecordedStream(this.log, () => stream.id))
    return stream
  }

  onRequest(stream: Http2Stream, head: RequestHead, _fields: number, endStream: boolean): Http2StreamHandler {
    this.streams.set(stream.id, stream)
    this.heads.push(head)
    this.log.push(`request ${stream.id} ${head.method} ${head.path}${endStream ? ' end' : ''}`)
    this.answer(stream, endStream)
    return new RecordedStream(this.log, () => stream.id)
  }

  onRequestRefused(code: number, details: string, isFatal: boolean): void {
    this.log.push(`${isFatal ? 'lost' : 'refused'} ${code} ${details}`)
  }

  onCapacity(): void {}

  onGoAway(lastStreamId: number, code: number): void {
    this.log.push(`goaway ${lastStreamId} ${code}`)
  }

  onSessionError(code: number, details: string): void {
    this.log.push(`error ${code} ${details}`)
  }

  onPing(): void {
    this.log.push('pong')
  }
}
