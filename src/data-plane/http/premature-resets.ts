// Streams that a client opens and resets at once cost it nothing and this side a request each (CVE-2023-44487).

/** Fewer streams than this say little of a client; Envoy's overload.premature_reset_total_stream_count. */
const FEWEST_STREAMS = 500

/**
 * A reset this soon, with no response begun. Envoy's overload.premature_reset_min_stream_lifetime_seconds is 1, and what
 * it compares are whole seconds: 1.9 s are not more than 1.
 */
export const PREMATURE_RESET_MS = 2000

/**
 * Half of the streams of a connection that has seen 500, or so many already that good behaviour up to there could not
 * make them fewer than half (Envoy).
 */
export function areTooManyResets(premature: number, ended: number): boolean {
  return premature * 2 >= Math.max(ended, FEWEST_STREAMS)
}
