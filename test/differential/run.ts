// Runs of the comparison: the corpus, and plans generated from seeds, judged by the page of known differences.
import { CORPUS, CORPUS_PLAN } from './corpus/cases.ts'
import { FRAME_LISTENERS } from './corpus/frames/listeners.ts'
import { familyCases, familyListeners } from './generate/families.ts'
import { frameCases } from './generate/http2-frames.ts'
import { generatePlan } from './generate/plan.ts'
import { TCP_BY_HAND, TCP_LISTENERS } from './generate/tcp.ts'
import { slowPlan } from './generate/timeouts.ts'
import { TUNNEL_LISTENERS, TUNNELS_BY_HAND } from './generate/tunnels.ts'
import { judge, type KnownDifference, type Verdict } from './known-differences.ts'
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
  const results = await runCases(listeners, [...CORPUS, ...TCP_BY_HAND, ...TUNNELS_BY_HAND])
  return { cases: results.length, ...judge(results, known) }
}

export async function runGenerated(seed: number, known: readonly KnownDifference[]): Promise<RunReport> {
  const { listeners, cases } = generatePlan(seed, TABLES, REQUESTS_EACH)
  const slow = slowPlan(seed, SLOW_REQUESTS)
  const results = await runCases(
    [...listeners, ...familyListeners(seed), ...slow.listeners, ...FRAME_LISTENERS],
    [...cases, ...familyCases(seed), ...slow.cases, ...frameCases(seed, FRAME_CONVERSATIONS)],
  )
  return { cases: results.length, ...judge(results, known) }
}

/** Tunnels between two proxies, in every pairing. */
export async function runPairs(seed: number, known: readonly KnownDifference[]): Promise<RunReport> {
  const results = await runHbone(seed, CONVERSATIONS)
  return { cases: results.length, ...judge(results, known) }
}
