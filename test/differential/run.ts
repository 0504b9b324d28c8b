// Runs of the comparison: the corpus, and plans generated from seeds, judged by the page of known differences.

import { type DifferentialCase, isTimed } from './case.ts'
import { CORPUS, CORPUS_PLAN } from './corpus/cases.ts'
import { FRAME_LISTENERS } from './corpus/frames/listeners.ts'
import { familyCases, familyListeners } from './generate/families.ts'
import { GRPC_WEB_BY_HAND, GRPC_WEB_LISTENERS } from './generate/grpc-web.ts'
import { frameCases } from './generate/http2-frames.ts'
import { generatePlan } from './generate/plan.ts'
import { TCP_BY_HAND, TCP_LISTENERS } from './generate/tcp.ts'
import { slowPlan } from './generate/timeouts.ts'
import { TUNNEL_LISTENERS, TUNNELS_BY_HAND } from './generate/tunnels.ts'
import { judge, type KnownDifference, type Verdict } from './known-differences.ts'
import type { ListenerPlan } from './plan.ts'
import { type CaseResult, runCases } from './run-cases.ts'
import { runHbone } from './run-hbone.ts'

export interface RunReport extends Verdict {
  readonly cases: number
}

/** Of one generated plan: one start of both proxies. */
const TABLES = 40
const REQUESTS_EACH = 10
/** Of one seed. */
const CONVERSATIONS = 6
const SLOW_REQUESTS = 60
const FRAME_CONVERSATIONS = 150

export async function runCorpus(known: readonly KnownDifference[]): Promise<RunReport> {
  const listeners = [...CORPUS_PLAN, ...TCP_LISTENERS, ...TUNNEL_LISTENERS, ...GRPC_WEB_LISTENERS]
  return await runJudged(listeners, [...CORPUS, ...TCP_BY_HAND, ...TUNNELS_BY_HAND, ...GRPC_WEB_BY_HAND], known)
}

export async function runGenerated(seed: number, known: readonly KnownDifference[]): Promise<RunReport> {
  const { listeners, cases } = generatePlan(seed, TABLES, REQUESTS_EACH)
  const slow = slowPlan(seed, SLOW_REQUESTS)
  return await runJudged(
    [...listeners, ...familyListeners(seed), ...slow.listeners, ...FRAME_LISTENERS],
    [...cases, ...familyCases(seed), ...slow.cases, ...frameCases(seed, FRAME_CONVERSATIONS)],
    known,
  )
}

/** How often a case that is about time is tried. */
const TRIES = 5

/**
 * Of time a busy machine takes some away from a proxy now and then: what differs in a case that is about it must differ each
 * time, among those alone that did.
 */
async function runJudged(
  listeners: readonly ListenerPlan[],
  cases: readonly DifferentialCase[],
  known: readonly KnownDifference[],
): Promise<RunReport> {
  const occurred = new Set<string>()
  const unexplained: CaseResult[] = []
  let left = cases
  for (let tries = 1; left.length > 0; tries++) {
    const verdict = judge(await runCases(listeners, left), known)
    for (const id of verdict.occurred) occurred.add(id)
    const isTriedAgain = (result: CaseResult): boolean => tries < TRIES && isTimed(result.case)
    unexplained.push(...verdict.unexplained.filter(result => !isTriedAgain(result)))
    left = verdict.unexplained.filter(isTriedAgain).map(result => result.case)
  }
  return { cases: cases.length, unexplained, occurred }
}

/** Tunnels between two proxies, in every pairing. */
export async function runPairs(seed: number, known: readonly KnownDifference[]): Promise<RunReport> {
  const results = await runHbone(seed, CONVERSATIONS)
  return { cases: results.length, ...judge(results, known) }
}
