// Plays a script through a proxy, and tells what each end has heard, and how the connection ended for it.
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Socket } from 'node:net'
import type { Field } from '../message.ts'
import { connectTo, shakeHands, type Talk } from '../talk.ts'
import type { Upstreams } from '../upstreams.ts'
import { readable } from './bytes.ts'
import type { End } from './end.ts'
import type { ScriptDialogue, Step } from './script.ts'
import { SocketEnd } from './socket-end.ts'
import { ClientStreamEnd } from './stream-end.ts'

/** What a step causes has come within this time, or does not come; unless the proxies are late. */
const EFFECT_LIMIT_MS = 150
/** What follows something comes within this time of it; unless the proxies are late. */
const QUIET_MS = 12
const WAIT_LIMIT_MS = 3_000
/** A handshake that has no answer by then has none; unless the proxy is late. */
const OPEN_LIMIT_MS = 1_500

/** `caughtUp` resolves once whatever is between the two ends has taken what came before: a busy machine has it late. */
export async function playScript(
  port: number,
  dialogue: ScriptDialogue,
  upstreams: Upstreams,
  caughtUp: () => Promise<void>,
): Promise<Talk> {
  const socket = await connectTo(port, true)
  const localPort = socket.localPort ?? 0
  if (dialogue.preface !== undefined) socket.write(dialogue.preface, 'latin1')
  const client = await clientOn(socket, dialogue, caughtUp)
  if (client === null)
    return { localPort, responses: [], end: 'closed', leftover: 'no TLS', facts: upstreamFacts(upstreams) }
  const scene = new Scene(client, upstreams, caughtUp)
  // Whoever speaks first, the proxy may be connecting upstream, or refusing, by now.
  await scene.settle(0)
  for (const step of dialogue.steps) await scene.play(step)
  const facts: Field[] = [
    ['client heard', readable(client.heard)],
    ...howItEnded('client', client),
    ...upstreamFacts(upstreams),
  ]
  const end = client.state === 'open' ? 'kept' : 'closed'
  const before = scene.events
  client.release()
  await scene.settle(before)
  for (const each of upstreams.ends) each.release()
  return { localPort, responses: [], end, leftover: '', facts }
}

function upstreamFacts({ ends }: Upstreams): Field[] {
  return ends.flatMap((end, index): Field[] => {
    const at = index === 0 ? 'upstream' : `upstream ${index + 1}`
    return [[`${at} heard`, readable(end.heard)], ...howItEnded(at, end)]
  })
}

/** Apart: whether the connection is over, and how. */
function howItEnded(at: string, { state }: End): Field[] {
  return [
    [`${at} sees`, state === 'open' ? 'an open connection' : 'the end'],
    [`${at} end`, state],
  ]
}

async function clientOn(
  socket: Socket,
  { client, tls }: ScriptDialogue,
  caughtUp: () => Promise<void>,
): Promise<End | null> {
  if (tls !== undefined) {
    let waiting = true
    const timer = setTimeout(async () => {
      await caughtUp()
      if (waiting) socket.destroy()
    }, OPEN_LIMIT_MS)
    const secure = await shakeHands(socket, tls)
    waiting = false
    clearTimeout(timer)
    return secure === null ? null : new SocketEnd(secure, socket)
  }
  if (client === 'bytes') return new SocketEnd(socket)
  const session = connect('http://127.0.0.1', { createConnection: () => socket })
  session.on('error', () => {})
  await settled(session)
  return new ClientStreamEnd(session)
}

/** Whether CONNECT may be extended is in the server's first SETTINGS. */
function settled(session: ClientHttp2Session): Promise<void> {
  return new Promise(done => {
    session.once('remoteSettings', () => done())
    session.once('close', () => done())
  })
}

class Scene {
  readonly #client: End
  readonly #upstreams: Upstreams
  readonly #caughtUp: () => Promise<void>

  constructor(client: End, upstreams: Upstreams, caughtUp: () => Promise<void>) {
    this.#client = client
    this.#upstreams = upstreams
    this.#caughtUp = caughtUp
  }

  /** Of both sides, so far. */
  get events(): number {
    return this.#upstreams.ends.reduce((sum, end) => sum + end.events + 1, this.#client.events)
  }

  async play(step: Step): Promise<void> {
    const before = this.events
    if ('does' in step && step.does === 'wait') return await this.#clientClosed()
    const end = step.by === 'client' ? this.#client : this.#upstreams.ends.at(-1)
    if (!end?.isWritable && !('does' in step && step.does === 'reset')) return
    if (end === undefined) return
    if ('open' in step) end.open(step.open)
    else if ('agree' in step) end.agree(step.agree)
    else if ('send' in step) end.send(step.send)
    else if (step.does === 'end') end.end()
    else end.reset()
    await this.settle(before)
  }

  async settle(before: number): Promise<void> {
    const deadline = performance.now() + EFFECT_LIMIT_MS
    while (this.events === before && performance.now() < deadline) await pause(2)
    if (this.events === before) await this.#caughtUp()
    for (let last = -1; last !== this.events; ) {
      last = this.events
      await pause(QUIET_MS)
      await this.#caughtUp()
    }
  }

  async #clientClosed(): Promise<void> {
    const deadline = performance.now() + WAIT_LIMIT_MS
    while (this.#client.state === 'open' && performance.now() < deadline) await pause(5)
    await pause(QUIET_MS)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(wake => setTimeout(wake, ms))
}
