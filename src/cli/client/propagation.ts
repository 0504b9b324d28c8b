// Waiting until every proxy that a revision concerns has acknowledged it.
import type { CliContext } from '../contract/cli-context.ts'
import type { PropagationAnswer } from './api-answer.ts'
import type { ApiClient } from './api-client.ts'

const LONGEST_WAIT_MS = 5000

/** Resolves with what went wrong, one line per proxy: none when all have it; says so on standard error. */
export async function waitForPropagation(
  context: CliContext,
  api: ApiClient,
  revision: number,
  timeoutMs: number,
): Promise<string[]> {
  const start = context.clock.now()
  for (;;) {
    const left = start + timeoutMs - context.clock.now()
    const waitMs = Math.max(0, Math.min(LONGEST_WAIT_MS, Math.round(left)))
    const path = `/v1/revisions/${revision}/propagation?waitMs=${waitMs}`
    const answer = await api.get<PropagationAnswer>(path, waitMs + LONGEST_WAIT_MS)
    const refused = answer.proxies.filter(proxy => proxy.state === 'nacked')
    if (refused.length > 0) {
      return refused.map(
        proxy => `${proxy.name}.${proxy.namespace} refused revision ${revision}: ${proxy.detail ?? ''}`,
      )
    }
    if (answer.done) {
      const acked = answer.proxies.filter(proxy => proxy.state === 'acked').length
      const took = ((context.clock.now() - start) / 1000).toFixed(2)
      context.stderr(
        `revision ${revision} is acknowledged by ${acked} ${acked === 1 ? 'proxy' : 'proxies'} (${took} s)\n`,
      )
      return []
    }
    if (left <= 0) {
      const pending = answer.proxies.filter(proxy => proxy.state === 'pending').map(proxy => proxy.name)
      return [`revision ${revision} is not acknowledged after ${timeoutMs / 1000} s by ${pending.join(', ')}`]
    }
  }
}
