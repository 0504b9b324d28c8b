// Envoy's response flags (docs: configuration/observability/access_log/usage, %RESPONSE_FLAGS%), as bits.

// Envoy prints a stream's flags in the order in which they came up: an injected fault first, then what kept a request
// from another try (URX, UO), then what became of the last (`URX,UF`). The bits are in that order.
export const RESPONSE_FLAG = {
  DI: 1 << 0, // delay injected
  FI: 1 << 1, // fault injected
  URX: 1 << 2, // retry limit exceeded
  UO: 1 << 3, // upstream overflow (circuit breaker)
  UH: 1 << 4, // no healthy upstream
  UF: 1 << 5, // upstream connection failure
  NR: 1 << 6, // no route
  NC: 1 << 7, // cluster not found
  DT: 1 << 8, // duration timeout
  DC: 1 << 9, // downstream connection termination
  UT: 1 << 10, // upstream request timeout
  LR: 1 << 11, // local reset
  UR: 1 << 12, // upstream remote reset
  UC: 1 << 13, // upstream connection termination
  RL: 1 << 14, // rate limited
  UAEX: 1 << 15, // unauthorized by external service
  SI: 1 << 16, // stream idle timeout
  IH: 1 << 17, // invalid header
  DPE: 1 << 18, // downstream protocol error
  UPE: 1 << 19, // upstream protocol error
  UMSDR: 1 << 20, // upstream max stream duration reached
  OM: 1 << 21, // overload manager
  LH: 1 << 22, // local service failed its health check
  DR: 1 << 23, // downstream remote reset
  RLSE: 1 << 24, // the rate limit service failed
} as const

export function isResponseFlag(name: string): name is keyof typeof RESPONSE_FLAG {
  return Object.hasOwn(RESPONSE_FLAG, name)
}

/** `URX,UF`, or `-` when none is set. */
export function formatResponseFlags(flags: number): string {
  if (flags === 0) return '-'
  let text = ''
  for (const [name, bit] of Object.entries(RESPONSE_FLAG)) {
    if (flags & bit) text = text === '' ? name : `${text},${name}`
  }
  return text
}

/** By the short name. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  DI: 'DelayInjected',
  FI: 'FaultInjected',
  URX: 'UpstreamRetryLimitExceeded',
  UO: 'UpstreamOverflow',
  UH: 'NoHealthyUpstream',
  UF: 'UpstreamConnectionFailure',
  NR: 'NoRouteFound',
  NC: 'NoClusterFound',
  DT: 'DurationTimeout',
  DC: 'DownstreamConnectionTermination',
  UT: 'UpstreamRequestTimeout',
  LR: 'LocalReset',
  UR: 'UpstreamRemoteReset',
  UC: 'UpstreamConnectionTermination',
  RL: 'RateLimited',
  UAEX: 'UnauthorizedExternalService',
  SI: 'StreamIdleTimeout',
  IH: 'InvalidEnvoyRequestHeaders',
  DPE: 'DownstreamProtocolError',
  UPE: 'UpstreamProtocolError',
  UMSDR: 'UpstreamMaxStreamDurationReached',
  OM: 'OverloadManagerTerminated',
  LH: 'FailedLocalHealthCheck',
  DR: 'DownstreamRemoteReset',
  RLSE: 'RateLimitServiceError',
}

export function formatResponseFlagsLong(flags: number, isConnection: boolean): string {
  if (flags === 0) return '-'
  const short = isConnection ? formatConnectionFlags(flags) : formatResponseFlags(flags)
  return short
    .split(',')
    .map(name => LONG_NAMES[name] ?? name)
    .join(',')
}

/** Those of a TCP connection: its failed tries come up before the verdict that there are no more, `UF,URX`. */
export function formatConnectionFlags(flags: number): string {
  const both = RESPONSE_FLAG.UF | RESPONSE_FLAG.URX
  return (flags & both) === both ? 'UF,URX' : formatResponseFlags(flags)
}
