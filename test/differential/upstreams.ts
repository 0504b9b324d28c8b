// The endpoints of one proxy, each of which keeps every request as it came, and answers as the request itself says.
import type { AddressInfo, Server, Socket } from 'node:net'
import { ANSWER_FIELD, type Answer, parseAnswers } from './answer.ts'
import { createHttp1Upstream } from './http1/upstream.ts'
import { createHttp2Upstream } from './http2/upstream.ts'
import { type Message, valueOf } from './message.ts'

export interface Received {
  /** The cluster that the endpoint belongs to. */
  readonly endpoint: string
  readonly request: Message
}

/** What an upstream of either protocol is given. */
export interface UpstreamHost {
  readonly endpoint: string
  /** Keeps the request and tells what to answer. */
  answerTo(request: Message): Answer
  /** The connection is being closed from here: while the proxy has not noticed, it may send another request on it. */
  ending(socket: Socket): void
  opened(socket: Socket): void
}

const SETTLE_LIMIT_MS = 300

export class Upstreams {
  readonly ports = new Map<string, number>()
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #ending = new Set<Socket>()
  #received: Received[] = []
  #attempts = 0

  private constructor() {}

  /** Cluster names with the protocol that their endpoint speaks. */
  static async start(clusters: Readonly<Record<string, 'http1' | 'http2'>>): Promise<Upstreams> {
    const upstreams = new Upstreams()
    for (const [name, protocol] of Object.entries(clusters)) {
      const host = upstreams.#hostFor(name)
      const server = protocol === 'http1' ? createHttp1Upstream(host) : createHttp2Upstream(host)
      await new Promise<void>(bound => server.listen(0, '127.0.0.1', bound))
      upstreams.#servers.push(server)
      upstreams.ports.set(name, (server.address() as AddressInfo).port)
    }
    return upstreams
  }

  /** What has come since it was last asked; the next request is a first attempt. */
  take(): readonly Received[] {
    const received = this.#received
    this.#received = []
    this.#attempts = 0
    return received
  }

  /** Once the proxy has closed its side of every connection that was closed here, or will not. */
  async settled(): Promise<void> {
    const deadline = performance.now() + SETTLE_LIMIT_MS
    while (this.#ending.size > 0 && performance.now() < deadline) await new Promise(wake => setImmediate(wake))
    this.#ending.clear()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map(server => new Promise(closed => server.close(closed))))
  }

  #hostFor(endpoint: string): UpstreamHost {
    return {
      endpoint,
      answerTo: request => {
        this.#received.push({ endpoint, request })
        const answers = parseAnswers(valueOf(request.fields, ANSWER_FIELD))
        return answers[Math.min(this.#attempts++, answers.length - 1)] ?? {}
      },
      ending: socket => this.#ending.add(socket),
      opened: socket => {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => {
          this.#sockets.delete(socket)
          this.#ending.delete(socket)
        })
      },
    }
  }
}
