// Time between tries: exponential with full jitter, as Envoy's JitteredExponentialBackOffStrategy.

/** `retry` counts from 1; `random` in [0, 1). At least a millisecond. */
export function backoffMs(baseMs: number, maxMs: number, retry: number, random: number): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** (retry - 1))
  return Math.max(1, Math.floor(random * ceiling))
}
