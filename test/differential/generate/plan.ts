// A whole plan from one seed: many small route tables in one config, each in a virtual host of its own, and requests to them.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { DifferentialCase } from '../case.ts'
import type { ListenerPlan } from '../plan.ts'
import { mutations } from './header-mutation.ts'
import { requestFor } from './request.ts'
import { retryPolicy } from './retry.ts'
import { routeAction } from './route-action.ts'
import { routeMatch } from './route-match.ts'
import type { Arbitrary } from './words.ts'

const LISTENER = 'generated'

const route: Arbitrary<JsonObject> = fc
  .record({ match: routeMatch, action: routeAction, own: mutations, retry: fc.option(retryPolicy, { freq: 2 }) })
  .map(({ match, action, own, retry }): JsonObject => {
    const forward = action['route'] as JsonObject | undefined
    const whole = forward && retry ? { route: { ...forward, retry_policy: retry } } : action
    return { match, ...whole, ...own }
  })

const virtualHost: Arbitrary<JsonObject> = fc
  .record({
    routes: fc.array(route, { minLength: 1, maxLength: 4 }),
    own: mutations,
    counts: fc.constantFrom<JsonObject[]>(
      {},
      {},
      {},
      { include_request_attempt_count: true, include_attempt_count_in_response: true },
      { require_tls: 'ALL' },
      { require_tls: 'EXTERNAL_ONLY' },
    ),
    retry: fc.option(retryPolicy, { freq: 6 }),
  })
  .map(
    ({ routes, own, counts, retry }): JsonObject => ({
      ...own,
      ...counts,
      ...(retry ? { retry_policy: retry } : {}),
      routes: routes.map((each, index) => ({ name: `r${index}`, ...each })),
    }),
  )

export interface GeneratedPlan {
  readonly listeners: readonly ListenerPlan[]
  readonly cases: readonly DifferentialCase[]
}

/** The same for the same seed. */
export function generatePlan(seed: number, tables: number, requestsEach: number): GeneratedPlan {
  const hosts = fc
    .sample(virtualHost, { seed, numRuns: tables })
    .map((host, index): JsonObject => ({ name: `t${index}`, domains: [`t${index}.test`], ...host }))
  const level = fc.sample(mutations, { seed, numRuns: 1 })[0] ?? {}
  const wins = seed % 2 === 0 ? { most_specific_header_mutations_wins: true } : {}
  const cases = hosts.flatMap((host, index) =>
    fc.sample(requestFor(host), { seed: seed * 1_000 + index, numRuns: requestsEach }).map(
      (http1, request): DifferentialCase => ({
        name: `generated/${seed}/${index}.${request}`,
        listener: LISTENER,
        http1,
        config: host,
      }),
    ),
  )
  return { listeners: [{ name: LISTENER, virtualHosts: hosts, routeConfiguration: { ...level, ...wins } }], cases }
}
