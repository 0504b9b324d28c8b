// Envoy's LoadReportingService on grpc-js: a proxy reports for itself, under its own certificate, when it is asked to.
import { type ServerDuplexStream, status, type UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { formatSpiffeId } from '../../base/spiffe-id.ts'
import type { LoadStatsRequest, LoadStatsResponse } from '../../xds/generated/envoy/service/load_stats/v3/lrs_pb.ts'
import { admit, type Caller } from '../ads/admission.ts'
import { endWithCertificate } from '../ads/certificate-end.ts'
import { type ClaimedNode, readNode } from '../ads/node.ts'
import type { AuthenticatedCall } from '../grpc/peer-identity.ts'
import type { Registry } from '../registry/registry.ts'
import type { LoadReporter, LoadReports } from './load-reports.ts'

export interface LoadServiceParts {
  readonly reports: LoadReports
  readonly registry: Pick<Registry, 'workloadForProxy'>
  readonly clock: Clock
  readonly log: Log
  /** Who is calling. */
  readonly identify: (call: AuthenticatedCall) => Caller
}

type LoadCall = ServerDuplexStream<LoadStatsRequest, LoadStatsResponse>

export function loadService(parts: LoadServiceParts): UntypedServiceImplementation {
  return { StreamLoadStats: (call: LoadCall) => serve(parts, call) }
}

function serve(parts: LoadServiceParts, call: LoadCall): void {
  const { reports, registry, clock, log } = parts
  const caller = parts.identify(call)
  const reporter: LoadReporter = { ...idOf(caller), ask: response => void call.write(response) }
  let claimed: ClaimedNode | null = null
  let ended = false
  const end = (code: number, details: string): void => {
    if (ended) return
    leave()
    call.emit('error', { code, details })
  }
  const leave = (): void => {
    ended = true
    expiry?.cancel()
    reports.disconnect(reporter)
  }
  const expiry = endWithCertificate(caller, clock, end)
  call.on('data', (request: LoadStatsRequest) => {
    if (ended) return
    const first = claimed === null
    claimed ??= readNode(request.node)
    if (claimed === null) {
      end(status.INVALID_ARGUMENT, "the first report must carry a node id of Istio's form")
      return
    }
    // Asked anew each time, as with config: the workload may be another by now.
    const admission = admit(claimed, registry.workloadForProxy(claimed.node), caller)
    if (!admission.ok) {
      log.warn('load report not permitted', { proxy: claimed.node.id, code: 'WEFT-2014', why: admission.reason })
      end(status.PERMISSION_DENIED, admission.reason)
    } else if (!first) reports.report(reporter, admission.node.workload, request.clusterStats)
    else if (!reports.connect(reporter))
      end(status.RESOURCE_EXHAUSTED, 'this control plane takes no more load reports of this identity')
  })
  call.on('end', () => {
    leave()
    call.end()
  })
  for (const event of ['error', 'cancelled', 'close']) call.on(event, leave)
}

function idOf(caller: Caller): Pick<LoadReporter, 'identity' | 'namespace'> {
  if (typeof caller === 'string') return { identity: caller, namespace: '' }
  return { identity: formatSpiffeId(caller), namespace: caller.namespace }
}
