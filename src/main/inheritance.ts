// What a process leaves to the one that takes its place: its listening sockets, the age of the line, and its leave.
import type { ListeningDescriptor } from '../transport/net/inheritable-network.ts'

export interface Inheritance {
  /** 0 in the first process of a line. */
  readonly epoch: number
  /** Epoch milliseconds at which the first of the line started; null in itself. */
  readonly firstStartedAt: number | null
  readonly sockets: readonly ListeningDescriptor[]
  /** Of each further event loop: each has sockets of its own at the same addresses. */
  readonly workers: readonly (readonly ListeningDescriptor[])[]
  readonly admin: ListeningDescriptor | null
}

const NOTHING: Inheritance = { epoch: 0, firstStartedAt: null, sockets: [], workers: [], admin: null }
const VARIABLE = 'WEFT_INHERITANCE'

/** Said on the channel between the two. */
export const SUCCESSION = { ready: 'ready', leave: 'leave', live: 'live' } as const

export function allSockets({ sockets, workers, admin }: Inheritance): readonly ListeningDescriptor[] {
  return [...sockets, ...workers.flat(), ...(admin ? [admin] : [])]
}

/** As part of the successor's environment. */
export function asEnvironment(inheritance: Inheritance): Readonly<Record<string, string>> {
  return { [VARIABLE]: JSON.stringify(inheritance) }
}

/** What this process was left; to be asked once, as its own children are not to take it for theirs. */
export function takeInheritance(): Inheritance {
  const text = process.env[VARIABLE]
  delete process.env[VARIABLE]
  return text === undefined ? NOTHING : (JSON.parse(text) as Inheritance)
}

/** The process that this one succeeds, as long as it lives and listens. */
export interface Predecessor {
  /** Resolves when it binds nothing more, or is no longer there. */
  leave(): Promise<void>
  /** That it may go. */
  announceLive(): void
  /** That it has to stay. */
  decline(): void
  /** Its sockets are closed: it has let go of them, or ended. */
  readonly gone: Promise<void>
}

/** Null in the first process of a line, whoever started it. */
export function predecessorOf({ epoch }: Inheritance): Predecessor | null {
  return epoch === 0 ? null : new ChannelPredecessor()
}

class ChannelPredecessor implements Predecessor {
  readonly gone: Promise<void>

  constructor() {
    this.gone = process.connected ? new Promise(resolve => process.once('disconnect', resolve)) : Promise.resolve()
  }

  async leave(): Promise<void> {
    const given = new Promise(resolve => process.once('message', resolve))
    say(SUCCESSION.ready)
    // One of an age that gives no leave takes the question for the announcement.
    await Promise.race([given, this.gone])
  }

  announceLive(): void {
    say(SUCCESSION.live)
  }

  decline(): void {
    if (process.connected) process.disconnect?.()
  }
}

/** That nobody listens any more is heard of by `disconnect`. */
function say(word: string): void {
  if (process.connected) process.send?.(word, undefined, undefined, () => {})
}
