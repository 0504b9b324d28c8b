// What a process leaves to the one that takes its place: its listening sockets, and the age of the line.
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

/** Tells the predecessor, if there is one that still listens, that it may go. */
export function announceLive(): void {
  if (!process.connected) return
  process.send?.('live', undefined, undefined, () => {
    if (process.connected) process.disconnect?.()
  })
}
