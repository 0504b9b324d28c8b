// Why a line of the access log is written: Envoy's AccessLogType, by number, with the names that %ACCESS_LOG_TYPE% prints.

export const ACCESS_LOG_TYPE = {
  notSet: 0,
  tcpUpstreamConnected: 1,
  tcpPeriodic: 2,
  tcpConnectionEnd: 3,
  downstreamStart: 4,
  downstreamPeriodic: 5,
  downstreamEnd: 6,
  upstreamPoolReady: 7,
  upstreamPeriodic: 8,
  upstreamEnd: 9,
  downstreamTunnelEstablished: 10,
} as const

const NAMES: readonly string[] = [
  'NotSet',
  'TcpUpstreamConnected',
  'TcpPeriodic',
  'TcpConnectionEnd',
  'DownstreamStart',
  'DownstreamPeriodic',
  'DownstreamEnd',
  'UpstreamPoolReady',
  'UpstreamPeriodic',
  'UpstreamEnd',
  'DownstreamTunnelSuccessfullyEstablished',
]

/** Of UDP, where nothing is logged, there are three more. */
const LAST = 13

export function isAccessLogType(type: number): boolean {
  return type >= 0 && type <= LAST
}

export function accessLogTypeName(type: number): string {
  return NAMES[type] ?? 'NotSet'
}
