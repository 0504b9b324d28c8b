// The taking over from a predecessor, as its successor does it: in steps at each of which either may end without a
// connection lost.
import type { ListeningSockets } from '../transport/net/inheritable-network.ts'
import type { Predecessor } from './inheritance.ts'

export interface Heir {
  /** The sockets of its event loops. */
  readonly loops: readonly Pick<ListeningSockets, 'bindPostponed' | 'acceptInherited' | 'predecessorIsGone'>[]
  /** Aborted when it is to end after all. */
  readonly signal: AbortSignal
  /** What only the process in charge does. */
  takeCharge(): Promise<void>
}

/** Rejects, before anything inherited is accepted, with what could not be bound. */
export async function takeOver(predecessor: Predecessor | null, heir: Heir): Promise<void> {
  const { loops, signal } = heir
  const decline = (): void => predecessor?.decline()
  signal.addEventListener('abort', decline, { once: true })
  if (signal.aborted) decline()
  await predecessor?.leave()
  if (signal.aborted) return
  await Promise.all(loops.map(loop => loop.bindPostponed()))
  await Promise.all(loops.map(loop => loop.acceptInherited()))
  await heir.takeCharge()
  predecessor?.announceLive()
  // Until then it may have an address that config has taken away meanwhile, and gives back.
  await predecessor?.gone
  for (const loop of loops) loop.predecessorIsGone()
}
