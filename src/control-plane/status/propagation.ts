// How far a revision has come: which proxies it concerned, and what they answered.
import type { Clock } from '../../base/clock.ts'
import { type ProxyStatus, SHORT_NAME } from './proxy-status.ts'

export interface ProxyPropagation {
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly state: 'acked' | 'pending' | 'nacked'
  readonly detail: string
}

export interface Propagation {
  readonly revision: number
  /** No proxy is pending. */
  readonly done: boolean
  readonly proxies: readonly ProxyPropagation[]
}

export interface ProxyStatuses {
  readonly statuses: readonly ProxyStatus[]
  /** Calls back once, at the next change of any status; the answer takes the callback back. */
  onceChanged(callback: () => void): () => void
}

export function propagationOf(revision: number, statuses: readonly ProxyStatus[]): Propagation {
  const proxies = statuses.map(status => stateOf(revision, status))
  return { revision, done: proxies.every(proxy => proxy.state !== 'pending'), proxies }
}

/** Resolves as soon as the revision is everywhere, or after `waitMs` with how far it is. */
export function waitForPropagation(
  revision: number,
  proxies: ProxyStatuses,
  clock: Clock,
  waitMs: number,
): Promise<Propagation> {
  return new Promise(resolve => {
    let forget = (): void => {}
    const timer = clock.setTimer(waitMs, () => {
      forget()
      resolve(propagationOf(revision, proxies.statuses))
    })
    const look = (): void => {
      const propagation = propagationOf(revision, proxies.statuses)
      if (!propagation.done && waitMs > 0) {
        forget = proxies.onceChanged(look)
        return
      }
      timer.cancel()
      resolve(propagation)
    }
    look()
  })
}

function stateOf(revision: number, status: ProxyStatus): ProxyPropagation {
  const { id, name, namespace } = status.identity
  const concerned = status.affectedBy(revision).map(type => SHORT_NAME[type])
  // What a proxy refuses now is not in effect there, whichever revision it came with.
  if (status.errors.length > 0) return { id, name, namespace, state: 'nacked', detail: status.errors.join('; ') }
  if (status.settledRevision < revision) return { id, name, namespace, state: 'pending', detail: concerned.join(', ') }
  return { id, name, namespace, state: 'acked', detail: concerned.length > 0 ? concerned.join(', ') : 'not concerned' }
}
