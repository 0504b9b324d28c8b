// The downstream client: sends the bytes of a case on a connection of its own and keeps all that comes back.
import { connect, type Socket } from 'node:net'
import { type Message, readMessage, valueOf } from './message.ts'

export interface Http1Dialogue {
  /** Sent in order, one write each; one character is one byte. */
  readonly writes: readonly string[]
  /** Of the requests that `writes` are meant to hold: as many responses are waited for. */
  readonly methods: readonly string[]
  /** Half-closes after the last write. */
  readonly end?: boolean
  /** False: what follows the responses is not asked for (the bytes leave the connection amid a message). */
  readonly probe?: boolean
}

export interface Http1Talk {
  /** Of the client: by it the access logs are told apart. */
  readonly localPort: number
  readonly responses: readonly Message[]
  /** What became of the connection: it took another request, was closed, or nothing more came for a while. */
  readonly end: 'kept' | 'closed' | 'silent'
  /** Bytes that are no response. */
  readonly leftover: string
}

const PROBE = 'GET /probe HTTP/1.1\r\nhost: probe\r\n\r\n'
const SILENCE_MS = 700

/** A local port that somebody else has is passed over. */
export async function talk(port: number, dialogue: Http1Dialogue): Promise<Http1Talk> {
  for (;;) {
    try {
      return await new Promise((resolve, reject) => new Conversation(port, dialogue, resolve, reject))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL') throw error
    }
  }
}

/** Below those that the system gives out: no two connections of a run have the same, and each finds its log entries by it. */
const LOCAL_PORTS = { first: 10_000, count: 22_000 } as const
let portsUsed = Math.floor(Math.random() * LOCAL_PORTS.count)

function nextLocalPort(): number {
  return LOCAL_PORTS.first + (portsUsed++ % LOCAL_PORTS.count)
}

class Conversation {
  readonly #socket: Socket
  readonly #dialogue: Http1Dialogue
  readonly #done: (talk: Http1Talk) => void
  readonly #responses: Message[] = []
  #localPort = 0
  #unread = ''
  #final = 0
  #probing = false
  #timer: NodeJS.Timeout | undefined

  constructor(port: number, dialogue: Http1Dialogue, done: (talk: Http1Talk) => void, fail: (error: Error) => void) {
    this.#dialogue = dialogue
    this.#done = done
    const socket = connect({
      host: '127.0.0.1',
      port,
      localAddress: '127.0.0.1',
      localPort: nextLocalPort(),
      noDelay: true,
    })
    this.#socket = socket
    socket.once('connect', () => {
      this.#localPort = socket.localPort ?? 0
      this.#send(0)
    })
    socket.on('data', chunk => this.#onBytes(chunk.toString('latin1')))
    socket.on('end', () => this.#onEnd())
    socket.on('close', () => this.#onEnd())
    socket.on('error', error => {
      if (this.#localPort === 0) fail(error)
    })
    this.#arm()
  }

  /** A turn of the event loop between writes, so that they tend to arrive apart. */
  #send(index: number): void {
    const bytes = this.#dialogue.writes[index]
    if (bytes === undefined) {
      if (this.#dialogue.end) this.#socket.end()
      return
    }
    this.#socket.write(bytes, 'latin1', () => setImmediate(() => this.#send(index + 1)))
  }

  #onBytes(text: string): void {
    this.#unread += text
    this.#arm()
    this.#read(false)
  }

  #read(ended: boolean): void {
    for (;;) {
      const answers = this.#dialogue.methods[this.#final] ?? 'GET'
      const read = readMessage(this.#unread, { answers, ended })
      if (read === null) return
      const { message, length } = read
      this.#unread = this.#unread.slice(length)
      const isInterim = / 1\d\d(?: |$)/.test(message.startLine) && !message.startLine.includes(' 101')
      if (this.#probing && !isInterim) {
        this.#finish('kept')
        return
      }
      this.#responses.push(message)
      if (!isInterim) this.#final += 1
      if (!isInterim && this.#final === this.#dialogue.methods.length) this.#afterLast(message, ended)
    }
  }

  #afterLast(message: Message, ended: boolean): void {
    if (ended || this.#dialogue.probe === false) return
    // A connection announced to close is waited for; anything else is asked for another request.
    if (valueOf(message.fields, 'connection').toLowerCase().includes('close')) return
    this.#probing = true
    this.#socket.write(PROBE)
  }

  #onEnd(): void {
    this.#read(true)
    this.#finish('closed')
  }

  #arm(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#finish('silent'), SILENCE_MS)
  }

  #finish(end: Http1Talk['end']): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#socket.destroy()
    this.#done({ localPort: this.#localPort, responses: this.#responses, end, leftover: this.#unread })
  }
}
