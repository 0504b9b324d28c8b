// Runs of the comparison: the corpus, and plans generated from seeds, judged by the page of known differences.

import type { DifferentialCase } from './case.ts'
import { CORPUS, CORPUS_PLAN } from './corpus/cases.ts'
import { FRAME_LISTENERS } from './corpus/frames/listeners.ts'
import { familyCases, familyListeners } from './generate/families.ts'
import { frameCases } from './generate/http2-frames.ts'
import { generatePlan } from './generate/plan.ts'
import { TCP_BY_HAND, TCP_LISTENERS } from './generate/tcp.ts'
import { slowPlan } from './generate/timeouts.ts'
import { TUNNEL_LISTENERS, TUNNELS_BY_HAND } from './generate/tunnels.ts'
import { judge, type KnownDifference, type Verdict } from './known-differences.ts'
import type { ListenerPlan } from './plan.ts'
import { runCases } from './run-cases.ts'
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
  const listeners = [...CORPUS_PLAN, ...TCP_LISTENERS, ...TUNNEL_LISTENERS]
  return await runJudged(listeners, [...CORPUS, ...TCP_BY_HAND, ...TUNNELS_BY_HAND], known)
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

/**
 * Cases that are done side by side are about time, of which a busy machine takes some away from a proxy now and then: what
 * differs in one of them must differ again, with those beside it that did.
 */
async function runJudged(
  listeners: readonly ListenerPlan[],
  cases: readonly DifferentialCase[],
  known: readonly KnownDifference[],
): Promise<RunReport> {
  const { unexplained, occurred } = judge(await runCases(listeners, cases), known)
  const timed = unexplained.filter(({ case: { beside } }) => beside !== undefined)
  if (timed.length === 0) return { cases: cases.length, unexplained, occurred }
  const again = await runCases(
    listeners,
    timed.map(result => result.case),
  )
  const second = judge(again, known)
  return {
    cases: cases.length,
    unexplained: [...unexplained.filter(result => !timed.includes(result)), ...second.unexplained],
    occurred: new Set([...occurred, ...second.occurred]),
  }
}

/** Tunnels between two proxies, in every pairing. */
export async function runPairs(seed: number, known: readonly KnownDifference[]): Promise<RunReport> {
  const results = await runHbone(seed, CONVERSATIONS)
  return { cases: results.length, ...judge(results, known) }
}
