// Who runs where: contestants first, from core 0 on; load, upstream and whatever else on the rest.
import { availableParallelism, cpus, totalmem } from 'node:os'

const CORES = availableParallelism()

/** One worker has core 0 to itself, two have cores 0 and 1. */
export function contestantCores(workers: number): string {
  return range(0, Math.min(workers, CORES))
}

/** On two cores, load and upstream share the second, which two workers of a contestant then take part of. */
export function loadCores(workers: number): string {
  return range(Math.min(workers, CORES - 1), CORES)
}

export const ALL_CORES = range(0, CORES)

/** For the reader of figures: `2 x AMD EPYC 7B13, 8 GB, linux x64 6.1.0, Node v26.10.0`. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return `${CORES} x ${model}, ${gigabytes} GB, ${process.platform} ${process.arch}, Node ${process.version}`
}

function range(from: number, to: number): string {
  const first = Math.max(0, Math.min(from, CORES - 1))
  return first >= to - 1 ? String(first) : `${first}-${to - 1}`
}
