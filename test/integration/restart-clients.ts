// Clients of every protocol that a listener speaks, each with one conversation that it keeps up, and many short ones.
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type SecureClientSessionOptions,
} from 'node:http2'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectSecure } from 'node:tls'

/** A conversation under way: what is said comes back. */
export class Conversation {
  readonly #stream: Duplex
  #heard = ''
  #said = 0
  #wake = (): void => {}
  failure: Error | null = null

  constructor(stream: Duplex, early = '') {
    this.#stream = stream
    this.#heard = early
    stream.on('error', error => (this.failure = error))
    stream.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1')
      this.#wake()
    })
    for (const end of ['end', 'close', 'error']) stream.on(end, () => this.#wake())
  }

  /** Rejects where the conversation has ended. */
  async sayAndHear(): Promise<void> {
    const word = `<${++this.#said}>`
    this.#stream.write(word)
    while (!this.#heard.includes(word)) {
      if (this.failure !== null || this.#stream.readableEnded || this.#stream.destroyed)
        throw new Error(`ended before ${word}: ${this.failure?.message ?? 'closed'}`)
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
    this.#heard = ''
  }

  async end(): Promise<void> {
    if (this.#stream.destroyed) return
    this.#stream.end()
    await once(this.#stream, 'close')
  }
}

export interface RestartClient {
  readonly name: string
  /** One that goes on. */
  open(): Promise<Conversation>
  /** A short one, on a connection of its own or on one that is kept; rejects when anything of it fails. */
  once(): Promise<void>
  close(): void
}

export function tcpClient(port: number): RestartClient {
  const open = async (): Promise<Conversation> => new Conversation(await dialled(connect(port, '127.0.0.1'), 'connect'))
  return { name: 'tcp', open, once: () => short(open), close: () => {} }
}

/** WebSocket as far as a proxy looks at it. */
export function upgradeClient(port: number, secure: { readonly ca: string } | null): RestartClient {
  const open = async (): Promise<Conversation> => {
    const socket = secure
      ? await dialled(connectSecure({ port, host: '127.0.0.1', servername: 'app.test', ...secure }), 'secureConnect')
      : await dialled(connect(port, '127.0.0.1'), 'connect')
    socket.write('GET /ws HTTP/1.1\r\nhost: app.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
    let head = ''
    while (!head.includes('\r\n\r\n')) head += String((await once(socket, 'data'))[0])
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(head)
    return new Conversation(socket, head.slice(head.indexOf('\r\n\r\n') + 4))
  }
  return { name: secure ? 'websocket over TLS' : 'websocket', open, once: () => short(open), close: () => {} }
}

/** Streams of HTTP/2, on a session that is left when it says GOAWAY: gRPC's shape, or CONNECT. */
export class Http2RestartClient implements RestartClient {
  readonly name: string
  readonly #url: string
  readonly #options: SecureClientSessionOptions
  readonly #headers: Readonly<Record<string, string>>
  readonly #sessions = new Set<ClientHttp2Session>()
  #current: ClientHttp2Session | null = null

  constructor(
    name: string,
    port: number,
    headers: Readonly<Record<string, string>>,
    secure: { readonly ca: string } | null = null,
  ) {
    this.name = name
    this.#url = `${secure ? 'https' : 'http'}://127.0.0.1:${port}`
    this.#options = secure ? { ...secure, servername: 'app.test' } : {}
    this.#headers = headers
  }

  async open(): Promise<Conversation> {
    for (;;) {
      const stream = await this.#request()
      if (stream !== null) return new Conversation(stream)
    }
  }

  once(): Promise<void> {
    return short(() => this.open())
  }

  close(): void {
    for (const session of this.#sessions) session.destroy()
  }

  /** Null: the session has ended before the server saw the request. */
  async #request(): Promise<ClientHttp2Stream | null> {
    const session = this.#session()
    let stream: ClientHttp2Stream
    try {
      stream = session.request(this.#headers)
    } catch {
      this.#current = null
      return null
    }
    return new Promise((resolve, reject) => {
      stream.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ERR_HTTP2_GOAWAY_SESSION' || stream.rstCode === 7) resolve(null)
        else reject(error)
      })
      stream.once('response', ({ ':status': status }) => {
        if (status === 200) resolve(stream)
        else reject(new Error(`${this.name}: ${status}`))
      })
    })
  }

  #session(): ClientHttp2Session {
    if (this.#current !== null && !this.#current.closed && !this.#current.destroyed) return this.#current
    const session = connectHttp2(this.#url, this.#options)
    this.#current = session
    this.#sessions.add(session)
    const leave = (): void => {
      if (this.#current === session) this.#current = null
    }
    session.on('error', leave).on('goaway', leave)
    session.on('close', () => {
      leave()
      this.#sessions.delete(session)
    })
    return session
  }
}

async function short(open: () => Promise<Conversation>): Promise<void> {
  const conversation = await open()
  await conversation.sayAndHear()
  await conversation.end()
}

async function dialled(socket: Socket, event: string): Promise<Socket> {
  await once(socket, event)
  return socket
}
