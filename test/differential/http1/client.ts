// The downstream client: sends the bytes of a case on a connection of its own and keeps all that comes back.
import type { Socket } from 'node:net'
import { type Message, valueOf } from '../message.ts'
import { connectTo, SILENCE_MS, shakeHands, type Talk, type TlsDialogue } from '../talk.ts'
import { readMessage } from './read-message.ts'

export interface Http1Dialogue {
  readonly protocol: 'http1'
  /** Sent in order, one write each; one character is one byte. */
  readonly writes: readonly string[]
  /** Of the requests that `writes` are meant to hold: as many responses are waited for. */
  readonly methods: readonly string[]
  /** Over TLS. */
  readonly tls?: TlsDialogue
  /** Before the last write. */
  readonly lateMs?: number
  /** The last write is for when something of the answer is here. */
  readonly behindAnswer?: boolean
  /** Between the last response and what asks whether the connection is still open. */
  readonly lingerMs?: number
  /** Half-closes after the last write. */
  readonly end?: boolean
  /** False: what follows the responses is not asked for (the bytes leave the connection amid a message). */
  readonly probe?: boolean
}

const PROBE = 'GET /probe HTTP/1.1\r\nhost: probe\r\n\r\n'

/** `caughtUp`: once the proxy has taken what came before; until then it is late, not silent. */
export async function talkHttp1(
  port: number,
  dialogue: Http1Dialogue,
  caughtUp = async (): Promise<void> => {},
): Promise<Talk> {
  const raw = await connectTo(port)
  const localPort = raw.localPort ?? 0
  const socket = dialogue.tls === undefined ? raw : await shakeHands(raw, dialogue.tls)
  if (socket === null) return { localPort, responses: [], end: 'closed', leftover: 'no TLS' }
  return new Promise(resolve => new Conversation(socket, localPort, dialogue, caughtUp, resolve))
}

class Conversation {
  readonly #socket: Socket
  readonly #dialogue: Http1Dialogue
  readonly #caughtUp: () => Promise<void>
  readonly #done: (talk: Talk) => void
  readonly #responses: Message[] = []
  readonly #localPort: number
  #unread = ''
  #final = 0
  #probing = false
  #timer: NodeJS.Timeout | undefined

  constructor(
    socket: Socket,
    localPort: number,
    dialogue: Http1Dialogue,
    caughtUp: () => Promise<void>,
    done: (talk: Talk) => void,
  ) {
    this.#dialogue = dialogue
    this.#caughtUp = caughtUp
    this.#done = done
    this.#socket = socket
    this.#localPort = localPort
    socket.on('data', chunk => this.#onBytes(chunk.toString('latin1')))
    socket.on('end', () => this.#onEnd())
    socket.on('close', () => this.#onEnd())
    socket.on('error', () => {})
    this.#arm()
    this.#send(0)
  }

  /** A turn of the event loop between writes, so that they tend to arrive apart. */
  #send(index: number): void {
    const bytes = this.#dialogue.writes[index]
    if (bytes === undefined) {
      if (this.#dialogue.end) this.#socket.end()
      return
    }
    const { writes, lateMs, behindAnswer } = this.#dialogue
    this.#socket.write(bytes, 'latin1', () => {
      const next = (): void => this.#send(index + 1)
      if (behindAnswer === true && index + 2 === writes.length) {
        this.#socket.once('data', next)
        return
      }
      if (lateMs === undefined || index + 2 !== writes.length) setImmediate(next)
      else setTimeout(next, lateMs)
    })
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
    const { lingerMs } = this.#dialogue
    if (lingerMs === undefined) this.#socket.write(PROBE)
    else setTimeout(() => this.#socket.write(PROBE), lingerMs)
  }

  #onEnd(): void {
    this.#read(true)
    this.#finish('closed')
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const timer = setTimeout(async () => {
      await this.#caughtUp()
      if (this.#timer === timer) this.#finish('silent')
    }, SILENCE_MS)
    this.#timer = timer
  }

  #finish(end: Talk['end']): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#socket.destroy()
    this.#done({ localPort: this.#localPort, responses: this.#responses, end, leftover: this.#unread })
  }
}
