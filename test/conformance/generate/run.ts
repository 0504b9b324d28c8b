// One generated mesh on Istio and on Weft, and what differs.
import { askReference, type Reference } from '../reference.ts'
import { runCase } from '../replay/run-case.ts'
import { type Batch, generateBatch, type Size } from './batch.ts'
import { type Finding, judge } from './verdict.ts'

/**
 * Of one mesh: most of a run is its start, so that many objects and requests are cheap; but the more objects there are, the
 * more of them are hidden by others.
 */
export const SIZE: Size = { virtualServices: 46, requestsEach: 25 }
/** Requests at a time on Weft. */
const CONCURRENCY = 8

export interface Comparison {
  readonly batch: Batch
  /** What differs, and differs again when it is sent alone: on a busy machine a short timeout may pass by itself. */
  readonly findings: readonly Finding[]
  /** How many differed once only. */
  readonly unrepeated: number
  /** Seconds that each side took. */
  readonly istio: number
  readonly weft: number
}

export async function compare(seed: number, size: Size, reference: Reference): Promise<Comparison> {
  const batch = generateBatch(seed, size)
  const started = performance.now()
  const istio = await askReference(reference, batch.file)
  const between = performance.now()
  const weft = await runCase(batch.file, CONCURRENCY)
  const took = { istio: (between - started) / 1000, weft: (performance.now() - between) / 1000 }
  const first = judge(batch.file.requests, istio, weft)
  const findings = first.length === 0 ? [] : await again(batch, first, reference)
  return { batch, findings, unrepeated: first.length - findings.length, ...took }
}

async function again({ file }: Batch, findings: readonly Finding[], reference: Reference): Promise<readonly Finding[]> {
  const few = { ...file, requests: findings.map(({ request }) => request) }
  const found = judge(few.requests, await askReference(reference, few), await runCase(few))
  return found.map(finding => ({ ...finding, index: findings[finding.index]!.index }))
}
