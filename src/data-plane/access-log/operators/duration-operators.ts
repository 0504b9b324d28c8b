// How long parts of a stream have taken: what its record kept.
import { ACCESS_LOG_TYPE } from '../../access-log-type.ts'
import type { StreamInfo } from '../../stream-info.ts'
import type { StreamRecord } from '../../stream-record.ts'
import type { CompiledOperator, Operator } from './operator.ts'

/** Monotonic milliseconds; negative: has not happened. */
type Moment = (info: StreamInfo) => number

const recorded = (read: (record: StreamRecord) => number): Moment => {
  return ({ record }) => (record === null ? -1 : read(record))
}

const began: Moment = info => info.startedAt
const poolAsked = recorded(record => record.poolAsked)
const poolReady = recorded(record => record.poolReady)
const firstUpstreamRx = recorded(record => record.firstUpstreamRx)
const lastUpstreamTx = recorded(record => record.lastUpstreamTx)
const lastDownstreamRx = recorded(record => record.lastDownstreamRx)
const lastDownstreamTx = recorded(record => record.lastDownstreamTx)

export const DURATION_OPERATORS: Readonly<Record<string, Operator>> = {
  REQUEST_DURATION: between(began, lastDownstreamRx, 1),
  REQUEST_TX_DURATION: between(began, lastUpstreamTx, 1),
  RESPONSE_DURATION: between(began, firstUpstreamRx, 1),
  RESPONSE_TX_DURATION: between(firstUpstreamRx, lastDownstreamTx, 1),
  UPSTREAM_CONNECTION_POOL_READY_DURATION: between(poolAsked, poolReady, 1),
  // From a request's beginning to the end of a handshake that was before it: none over plaintext, and else none at all.
  DOWNSTREAM_HANDSHAKE_DURATION: ({ protocol, connection }) => (protocol === '' || !connection.tls ? null : 0),
  // Of QUIC alone.
  ROUNDTRIP_DURATION: () => null,
}

/** Envoy's names of moments. */
const MOMENTS: Readonly<Record<string, Moment>> = {
  DS_CX_BEG: info => info.connection.acceptedAt,
  // Known when it has ended, which no request outlives.
  DS_CX_END: info => (info.logType === ACCESS_LOG_TYPE.tcpConnectionEnd ? info.startedAt + info.duration : -1),
  // Of requests alone, as Envoy has it.
  DS_HS_BEG: info => (info.protocol === '' ? -1 : info.connection.handshakeBegunAt),
  DS_HS_END: info => (info.protocol === '' ? -1 : info.connection.handshakeDoneAt),
  DS_RX_BEG: began,
  // A stream begins when its head is whole.
  DS_RX_HDR_END: info => (info.protocol === '' ? -1 : info.startedAt),
  DS_RX_END: lastDownstreamRx,
  US_CX_BEG: info => info.upstream?.startedAt ?? -1,
  US_CX_END: info => info.upstream?.connectedAt ?? -1,
  US_HS_END: info => info.upstream?.handshakeDoneAt ?? -1,
  US_TX_BEG: recorded(record => record.firstUpstreamTx),
  US_TX_END: lastUpstreamTx,
  US_RX_BEG: firstUpstreamRx,
  US_RX_BODY_BEG: recorded(record => record.firstUpstreamBody),
  US_RX_END: recorded(record => record.lastUpstreamRx),
  DS_TX_BEG: recorded(record => record.firstDownstreamTx),
  DS_TX_END: lastDownstreamTx,
}
const UNITS: Readonly<Record<string, number>> = { ms: 1, us: 1_000, ns: 1_000_000 }

/** `FROM:TO` or `FROM:TO:UNIT`. Nothing where either has not happened, or they came the other way round. */
export function compileCommonDuration(argument: string | null): CompiledOperator {
  const [from = '', to = '', unit = 'ms', ...more] = (argument ?? '').split(':')
  const names = `there are ${Object.keys(MOMENTS).join(', ')}`
  if (!Object.hasOwn(MOMENTS, from) || !Object.hasOwn(MOMENTS, to))
    return { fault: `%COMMON_DURATION(...)% needs two moments: ${names}` }
  if (!Object.hasOwn(UNITS, unit) || more.length > 0)
    return { fault: '%COMMON_DURATION(...)% knows the units ms, us and ns' }
  return { run: between(MOMENTS[from]!, MOMENTS[to]!, UNITS[unit]!) }
}

function between(from: Moment, to: Moment, perMs: number): Operator {
  return info => {
    const begin = from(info)
    const end = to(info)
    return begin < 0 || end < begin ? null : Math.floor((end - begin) * perMs)
  }
}
