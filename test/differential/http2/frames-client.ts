// A client of HTTP/2 that sends whatever frames it is told, and keeps what each stream and the connection get back.
import type { Socket } from 'node:net'
import { FLAG, FRAME, PREFACE } from '../../../src/transport/http2/frame.ts'
import { frame, type ReadFrame, settings } from '../../../src/transport/http2/testing/raw-frames.ts'
import type { Field, Message } from '../message.ts'
import { connectTo, type Talk } from '../talk.ts'
import { FieldBlocks } from './field-blocks.ts'
import { FrameSplitter } from './frame-splitter.ts'

export interface FramesDialogue {
  readonly protocol: 'frames'
  readonly frames: readonly Buffer[]
  /** In place of the preface and an empty SETTINGS. */
  readonly opening?: Buffer
}

/** Behind everything: who answers it has taken all that came before. */
const PING = frame(FRAME.ping, 0, 0, 'the end?')
/** What an answered PING leaves to come has come within this time. */
const QUIET_MS = 300
/** One that is not answered may have become part of a frame that never ends. */
const SILENCE_MS = 1000

export async function talkFrames(port: number, dialogue: FramesDialogue): Promise<Talk> {
  const socket = await connectTo(port)
  return new Promise(resolve => new FrameTalk(socket, dialogue, resolve))
}

interface HeardStream {
  status: string
  fields: readonly Field[]
  body: string
  trailers: readonly Field[]
  /** What came, in its order: `interim 103`, `response`, `trailers`, `end`, `reset 1`. */
  readonly events: string[]
}

class FrameTalk {
  readonly #socket: Socket
  readonly #done: (talk: Talk) => void
  readonly #localPort: number
  readonly #streams = new Map<number, HeardStream>()
  readonly #goAways: (readonly [code: number, last: number])[] = []
  readonly #blocks = new FieldBlocks()
  readonly #splitter = new FrameSplitter(frame => this.#onFrame(frame))
  #isAnswered = false
  #timer: NodeJS.Timeout | undefined

  constructor(socket: Socket, { frames, opening }: FramesDialogue, done: (talk: Talk) => void) {
    this.#socket = socket
    this.#done = done
    this.#localPort = socket.localPort ?? 0
    socket.on('data', (chunk: Buffer) => {
      this.#splitter.add(chunk)
      this.#arm()
    })
    socket.on('close', () => this.#finish('closed'))
    socket.on('error', () => {})
    this.#arm()
    socket.write(Buffer.concat([opening ?? Buffer.concat([PREFACE, settings()]), ...frames, PING]))
  }

  #onFrame(read: ReadFrame): void {
    const { type, flags, streamId, payload } = read
    const block = this.#blocks.take(read)
    if (block !== null) this.#onBlock(block.streamId, block.fields, block.endStream)
    else if (type === FRAME.ping && (flags & FLAG.ack) !== 0) this.#isAnswered = true
    else if (type === FRAME.goAway) this.#goAways.push([payload.readUInt32BE(4), payload.readUInt32BE(0)])
    else if (type === FRAME.rstStream) this.#stream(streamId).events.push(`reset ${payload.readUInt32BE(0)}`)
    else if (type === FRAME.data) {
      this.#stream(streamId).body += payload.toString('latin1')
      if ((flags & FLAG.endStream) !== 0) this.#stream(streamId).events.push('end')
    }
  }

  #onBlock(streamId: number, fields: readonly Field[], endStream: boolean): void {
    const stream = this.#stream(streamId)
    const status = fields.find(([name]) => name === ':status')?.[1]
    const rest = fields.filter(([name]) => name !== ':status')
    if (status === undefined) {
      stream.trailers = rest
      stream.events.push('trailers')
    } else if (status.startsWith('1')) stream.events.push(`interim ${status}`)
    else {
      stream.status = status
      stream.fields = rest
      stream.events.push('response')
    }
    if (endStream) stream.events.push('end')
  }

  #stream(id: number): HeardStream {
    const before = this.#streams.get(id)
    if (before) return before
    const stream: HeardStream = { status: '', fields: [], body: '', trailers: [], events: [] }
    this.#streams.set(id, stream)
    return stream
  }

  #arm(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => this.#finish(this.#isAnswered ? 'kept' : 'silent'),
      this.#isAnswered ? QUIET_MS : SILENCE_MS,
    )
  }

  #finish(end: Talk['end']): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#socket.destroy()
    const streams = [...this.#streams].sort(([a], [b]) => a - b)
    const facts: Field[] = streams.map(([id, { events }]) => [`stream ${id}`, events.join(', ')])
    for (const [code, last] of this.#goAways) facts.push(['go away', String(code)], ['go away behind', String(last)])
    const responses = streams.flatMap(([, heard]) => (heard.status === '' ? [] : [messageOf(heard)]))
    this.#done({ localPort: this.#localPort, responses, end, leftover: '', facts })
  }
}

function messageOf({ status, fields, body, trailers, events }: HeardStream): Message {
  return { startLine: `HTTP/2 ${status}`, fields, body, trailers, complete: events.includes('end') }
}
