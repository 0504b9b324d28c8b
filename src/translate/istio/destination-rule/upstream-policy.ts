// DestinationRule trafficPolicy: tunnel, proxyProtocol and retryBudget.
import type { ProxyProtocolVersion, RetryBudget, UpstreamTunnel } from '../../../model/upstream-policy.ts'
import { type ObjectReader, wrongType } from '../../document/object-reader.ts'
import { checkHost } from '../contract/host-place.ts'

const MAX_UINT32 = 0xffff_ffff
/** Istio's defaults. */
const BUDGET_PERCENT = 20
const MIN_RETRY_CONCURRENCY = 3

export interface UpstreamPolicy {
  readonly tunnel?: UpstreamTunnel
  readonly proxyProtocol?: ProxyProtocolVersion
  readonly retryBudget?: RetryBudget
}

export function readUpstreamPolicy(reader: ObjectReader): UpstreamPolicy {
  const tunnel = reader.object('tunnel')
  const proxyProtocol = reader.object('proxyProtocol')
  const budget = reader.object('retryBudget')
  if (tunnel && proxyProtocol)
    reader.sink.contradiction(reader.place('proxyProtocol'), 'proxyProtocol does not go with tunnel')
  return {
    ...(tunnel ? { tunnel: readTunnel(tunnel) } : {}),
    ...(proxyProtocol ? { proxyProtocol: readProxyProtocol(proxyProtocol) } : {}),
    ...(budget ? { retryBudget: readBudget(budget) } : {}),
  }
}

function readTunnel(reader: ObjectReader): UpstreamTunnel {
  const method = reader.enumeration('protocol', ['CONNECT', 'POST'])
  const targetHost = reader.requiredString('targetHost')
  if (targetHost !== '') checkHost(targetHost, reader.place('targetHost'), reader.sink, false)
  const targetPort = reader.integer('targetPort', 1, 65_535)
  if (!reader.has('targetPort')) reader.missing('targetPort')
  reader.done()
  return { method: method === 'POST' ? 'POST' : 'CONNECT', targetHost, targetPort: targetPort ?? 0 }
}

function readProxyProtocol(reader: ObjectReader): ProxyProtocolVersion {
  const version = reader.enumeration('version', ['V1', 'V2'])
  reader.done()
  return version ?? 'V1'
}

function readBudget(reader: ObjectReader): RetryBudget {
  const percent = readPercent(reader)
  const minRetryConcurrency = reader.integer('minRetryConcurrency', 0, MAX_UINT32)
  const intervalMs = reader.duration('budgetInterval', 0)
  reader.done()
  return {
    percent,
    minRetryConcurrency: minRetryConcurrency ?? MIN_RETRY_CONCURRENCY,
    ...(intervalMs ? { intervalMs } : {}),
  }
}

function readPercent(reader: ObjectReader): number {
  const given = reader.value('percent')
  if (!given) return BUDGET_PERCENT
  const number = given.node.kind === 'scalar' ? given.node.value : undefined
  if (typeof number !== 'number') wrongType(given, 'a number', reader.sink)
  else if (number < 0 || number > 100) reader.sink.badValue(given, `${number} is not between 0 and 100`)
  return typeof number === 'number' ? number : BUDGET_PERCENT
}
