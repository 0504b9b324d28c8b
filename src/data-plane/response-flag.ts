// Envoy's response flags (docs: configuration/observability/access_log/usage, %RESPONSE_FLAGS%), as bits.

export const RESPONSE_FLAG = {
  UH: 1 << 0, // no healthy upstream
  UF: 1 << 1, // upstream connection failure
  UO: 1 << 2, // upstream overflow (circuit breaker)
  NR: 1 << 3, // no route
  URX: 1 << 4, // retry limit exceeded
  NC: 1 << 5, // cluster not found
  DT: 1 << 6, // duration timeout
  DC: 1 << 7, // downstream connection termination
  UT: 1 << 8, // upstream request timeout
  LR: 1 << 9, // local reset
  UR: 1 << 10, // upstream remote reset
  UC: 1 << 11, // upstream connection termination
  DI: 1 << 12, // delay injected
  FI: 1 << 13, // fault injected
  RL: 1 << 14, // rate limited
  UAEX: 1 << 15, // unauthorized by external service
  SI: 1 << 16, // stream idle timeout
  IH: 1 << 17, // invalid header
  DPE: 1 << 18, // downstream protocol error
  UPE: 1 << 19, // upstream protocol error
  UMSDR: 1 << 20, // upstream max stream duration reached
  OM: 1 << 21, // overload manager
} as const

export type ResponseFlag = keyof typeof RESPONSE_FLAG

/** `UF,URX`, or `-` when none is set. */
export function formatResponseFlags(flags: number): string {
  if (flags === 0) return '-'
  let text = ''
  for (const [name, bit] of Object.entries(RESPONSE_FLAG)) {
    if (flags & bit) text = text === '' ? name : `${text},${name}`
  }
  return text
}
