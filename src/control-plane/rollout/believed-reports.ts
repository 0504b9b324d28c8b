// Whose reports a rollout is judged by, and how far they are believed: any proxy may say what it likes.
import type { RolloutThresholds } from '../../model/rollout.ts'
import type { Workload } from '../../model/workload.ts'
import type { MeshService, WorkloadTarget } from '../../translate/link/mesh-service.ts'
import { exportedTo } from '../../translate/link/precedence.ts'
import type { ClusterLoad } from '../load/cluster-load.ts'
import { type FairLoad, fairLoad } from '../load/fair-load.ts'
import type { LoadReporter } from '../load/load-reports.ts'
import type { RequestTally } from './rollout-policy.ts'

/** Anybody counts for so many times the least that is judged: few enough that a handful of others shows beside it. */
const BELIEVED = 100
/** So many that failed among the few that others sent are not bad luck. */
const NO_CHANCE = 10

/**
 * Whoever can see the service may have called it. What stands behind it has no say, the canary least of all; nor has
 * anybody unregistered who shows the same certificate.
 */
export function maySpeakOf(
  service: MeshService,
  { identity, namespace }: LoadReporter,
  workload: Workload | null,
): boolean {
  if (!exportedTo(service.exportTo, namespace)) return false
  if (workload === null) return !service.subjectAltNames().includes(identity)
  const isIt = ({ workload: { namespace, name } }: WorkloadTarget): boolean =>
    namespace === workload.namespace && name === workload.name
  return !service.ports.some(port => service.targets(port).some(isIt))
}

/** What the reports of one subset in an interval come to. */
export function believed(loads: readonly ClusterLoad[], { minRequests }: RolloutThresholds): FairLoad {
  return fairLoad(loads, minRequests * BELIEVED)
}

/** Of all reports together, or of all but the greatest where that is clearly worse: nobody hides what all others say. */
export function tallyOf({ whole, others }: FairLoad, { minRequests, latency }: RolloutThresholds): RequestTally {
  const worse = (badOf: (load: ClusterLoad) => number, allOf: (load: ClusterLoad) => number): ClusterLoad => {
    const [bad, all] = [badOf(others), allOf(others)]
    const isClear = all >= minRequests && bad >= NO_CHANCE
    return isClear && share(bad, all) > share(badOf(whole), allOf(whole)) ? others : whole
  }
  const slowOf = (load: ClusterLoad): number => (latency === null ? 0 : load.slowerThan(latency.maximumMs))
  const ended = worse(
    load => load.failed + load.givenUp,
    load => load.requests + load.givenUp,
  )
  const timed = worse(slowOf, load => load.timed)
  const { requests, failed, givenUp } = ended
  return { requests, failed, givenUp, timed: timed.timed, slow: slowOf(timed) }
}

/** None of nothing. */
export function share(part: number, all: number): number {
  return all === 0 ? 0 : part / all
}
