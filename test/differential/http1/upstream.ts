// An upstream that keeps every request as it came, and answers as the request itself says.

import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { ANSWER_FIELD, answerBytes, parseAnswers } from './answer.ts'
import { type Message, readMessage, valueOf } from './message.ts'

export interface Received {
  /** The cluster that the endpoint belongs to. */
  readonly endpoint: string
  readonly request: Message
}

const SETTLE_LIMIT_MS = 300

/** The endpoints of one proxy: one each for the clusters named. */
export class Upstreams {
  readonly ports: ReadonlyMap<string, number>
  readonly #servers: readonly Server[]
  readonly #sockets = new Set<Socket>()
  /** Closed from here: while the proxy has not noticed, it may send another request on them. */
  readonly #ending = new Set<Socket>()
  #received: Received[] = []
  #attempts = 0

  private constructor(servers: readonly Server[], ports: ReadonlyMap<string, number>) {
    this.#servers = servers
    this.ports = ports
  }

  static async start(names: readonly string[]): Promise<Upstreams> {
    const servers: Server[] = []
    const ports = new Map<string, number>()
    const upstreams = new Upstreams(servers, ports)
    for (const name of names) {
      const server = createServer({ noDelay: true }, socket => upstreams.#accept(name, socket))
      await new Promise<void>(bound => server.listen(0, '127.0.0.1', bound))
      servers.push(server)
      ports.set(name, (server.address() as AddressInfo).port)
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

  #accept(endpoint: string, socket: Socket): void {
    this.#sockets.add(socket)
    let unread = ''
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#ending.delete(socket)
    })
    socket.on('data', chunk => {
      unread += chunk.toString('latin1')
      for (;;) {
        const read = readMessage(unread, { ended: false })
        if (read === null) return
        unread = unread.slice(read.length)
        this.#answer(endpoint, read.message, socket)
      }
    })
  }

  #answer(endpoint: string, request: Message, socket: Socket): void {
    this.#received.push({ endpoint, request })
    const answers = parseAnswers(valueOf(request.fields, ANSWER_FIELD))
    const answer = answers[Math.min(this.#attempts++, answers.length - 1)] ?? {}
    const method = request.startLine.split(' ')[0] ?? ''
    const breaks = answer.cut !== undefined || answer.close === true || answer.raw !== undefined
    if (breaks) this.#ending.add(socket)
    const send = (): void => {
      if (answer.cut === 'before') return void socket.end()
      const bytes = answerBytes(answer, method, `from ${endpoint}`)
      if (bytes !== '') socket.write(bytes, 'latin1')
      if (breaks) setTimeout(() => socket.end(), answer.cut === undefined ? 0 : 20)
    }
    if (answer.delayMs === undefined) send()
    else setTimeout(send, answer.delayMs)
  }
}
