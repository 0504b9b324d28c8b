// For tests: a client that sends the bytes it is told to.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { MessageHandler } from '../../../transport/http1/message-parser.ts'
import { ResponseParser } from '../../../transport/http1/response-parser.ts'

const LIMITS = { maxHeadBytes: 1 << 20, maxFieldCount: 1000, trailers: true, keepsSpelling: false }

export interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Statuses of 1xx before it. */
  readonly interim: readonly number[]
  readonly error?: string
}

/** One connection to a proxy; responses are read one after the other. */
export class RawClient {
  readonly socket: Socket
  readonly #parser: ResponseParser
  readonly #done: RawResponse[] = []
  readonly #waiting: ((response: RawResponse) => void)[] = []
  #body = ''
  #interim: number[] = []
  #ended = false

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const handler: MessageHandler = {
      onHead: endStream => this.#onHead(endStream),
      onBody: (chunk, endStream) => {
        this.#body += chunk.toString('latin1')
        if (endStream) this.#finish()
      },
      onTrailers: trailers => {
        for (let i = 0; i < trailers.length; i += 2) {
          this.#parser.head.headers.push(`trailer-${trailers[i]}`, trailers[i + 1]!)
        }
        this.#finish()
      },
      onProtocolError: error => this.#finish(error.details),
    }
    this.#parser = new ResponseParser(handler, LIMITS)
    this.socket.on('data', (chunk: Buffer) => this.#parser.execute(chunk))
    this.socket.on('error', () => {})
    this.socket.on('close', () => this.#onClose())
  }

  send(text: string | Buffer): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** The next response; when the connection closes first, one with `error`. */
  response(): Promise<RawResponse> {
    const done = this.#done.shift()
    if (done) return Promise.resolve(done)
    if (this.#ended) return Promise.resolve({ status: 0, headers: {}, body: '', interim: [], error: 'closed' })
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Set before the response to a HEAD request comes. */
  expectHead(toHead: boolean): this {
    this.#parser.toHead = toHead
    return this
  }

  async closed(): Promise<void> {
    if (!this.#ended) await once(this.socket, 'close')
  }

  #onHead(endStream: boolean): void {
    const { status } = this.#parser.head
    if (status < 200) {
      this.#interim.push(status)
      this.#parser.next()
    } else if (endStream) this.#finish()
  }

  #finish(error?: string): void {
    const { status, headers } = this.#parser.head
    const fields: Record<string, string> = {}
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i]!
      fields[name] = fields[name] === undefined ? headers[i + 1]! : `${fields[name]}, ${headers[i + 1]}`
    }
    if (this.#parser.close) fields['connection'] = 'close'
    const response = { status, headers: fields, body: this.#body, interim: this.#interim, ...(error && { error }) }
    this.#body = ''
    this.#interim = []
    const waiting = this.#waiting.shift()
    if (waiting) waiting(response)
    else this.#done.push(response)
    this.#parser.next()
  }

  #onClose(): void {
    this.#ended = true
    if (!this.#parser.isIdle && !this.#parser.isDone) this.#finish('cut short')
    for (const waiting of this.#waiting) {
      waiting({ status: 0, headers: {}, body: '', interim: [], error: 'closed' })
    }
  }
}

/** Sends, reads one response, and closes. */
export async function exchange(port: number, text: string): Promise<RawResponse> {
  const client = new RawClient(port).expectHead(text.startsWith('HEAD '))
  const response = await client.send(text).response()
  client.socket.destroy()
  return response
}
