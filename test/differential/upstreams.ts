// The endpoints of one proxy, each of which keeps every request as it came, and answers as the request itself says.
import type { AddressInfo, Server, Socket } from 'node:net'
import { ANSWER_FIELD, type Answer, parseAnswers } from './answer.ts'
import { createHttp1Upstream } from './http1/upstream.ts'
import { createFramesUpstream } from './http2/frames-upstream.ts'
import { createHttp2Upstream } from './http2/upstream.ts'
import { type Message, valueOf } from './message.ts'
import type { EndpointKind } from './plan.ts'
import { createBytesUpstream } from './script/bytes-upstream.ts'
import type { End } from './script/end.ts'
import { createStreamsUpstream } from './script/streams-upstream.ts'
import { createTlsUpstream } from './tls-upstream.ts'

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
  /** The far end of a conversation that is played. */
  joined(end: End): void
}

const CREATE: Readonly<Record<EndpointKind, (host: UpstreamHost) => Server>> = {
  http1: createHttp1Upstream,
  http2: createHttp2Upstream,
  tls: createTlsUpstream,
  bytes: createBytesUpstream,
  streams: createStreamsUpstream,
  frames: createFramesUpstream,
}

/** Within this time, unless the proxy is late. */
const SETTLE_LIMIT_MS = 300

/** Of cases that are done at the same time, requests say which of them they belong to. */
export const CASE_FIELD = 'x-case'

/** What has come of one case so far. */
interface Act {
  readonly received: Received[]
  attempts: number
}

export class Upstreams {
  readonly ports = new Map<string, number>()
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #ending = new Set<Socket>()
  /** By `x-case`; of cases that are done alone, by nothing. */
  readonly #acts = new Map<string, Act>()
  #ends: End[] = []

  private constructor() {}

  static async start(endpoints: Readonly<Record<string, EndpointKind>>): Promise<Upstreams> {
    const upstreams = new Upstreams()
    for (const [name, kind] of Object.entries(endpoints)) {
      const server = CREATE[kind](upstreams.#hostFor(name))
      await new Promise<void>(bound => server.listen(0, '127.0.0.1', bound))
      upstreams.#servers.push(server)
      upstreams.ports.set(name, (server.address() as AddressInfo).port)
    }
    return upstreams
  }

  /** What has come since it was last asked; the next request is a first attempt. `of`: the `x-case` of its requests. */
  take(of = ''): readonly Received[] {
    const received = this.#acts.get(of)?.received ?? []
    this.#acts.delete(of)
    if (of === '') this.#ends = []
    return received
  }

  /** Far ends that have come since, in their order. */
  get ends(): readonly End[] {
    return this.#ends
  }

  /** Once the proxy has closed its side of every connection that was closed here, or will not though it has `caughtUp`. */
  async settled(caughtUp: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + SETTLE_LIMIT_MS
    while (this.#ending.size > 0 && performance.now() < deadline) await new Promise(wake => setImmediate(wake))
    if (this.#ending.size > 0) await caughtUp()
    this.#ending.clear()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map(server => new Promise(closed => server.close(closed))))
  }

  #actOf(name: string): Act {
    const before = this.#acts.get(name)
    if (before) return before
    const act: Act = { received: [], attempts: 0 }
    this.#acts.set(name, act)
    return act
  }

  #hostFor(endpoint: string): UpstreamHost {
    return {
      endpoint,
      answerTo: request => {
        const act = this.#actOf(valueOf(request.fields, CASE_FIELD))
        act.received.push({ endpoint, request })
        const answers = parseAnswers(valueOf(request.fields, ANSWER_FIELD))
        return answers[Math.min(act.attempts++, answers.length - 1)] ?? {}
      },
      joined: end => void this.#ends.push(end),
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
