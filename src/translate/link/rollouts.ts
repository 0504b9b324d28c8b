// What Rollouts make of routes: wherever a rule sends to the stable subset, or to no subset in particular, its requests
// are shared out between the stable subset and the canary. A service without rules gets one.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { RouteDestination } from '../../model/destination.ts'
import { NO_HEADERS } from '../../model/header-operations.ts'
import type { HttpRoute } from '../../model/http-route.ts'
import { expandShortName } from '../host/host-name.ts'
import type { LinkedVirtualService } from './linked-virtual-service.ts'
import type { MeshInput } from './mesh-input.ts'
import { type MeshService, onlyPort } from './mesh-service.ts'
import { objectsOf, originOf } from './precedence.ts'

export interface LinkedRollout {
  readonly object: ConfigObjectOf<'Rollout'>
  readonly service: MeshService
  /** Percent of the requests. */
  readonly canaryWeight: number
}

/** Weights are relative; Envoy bounds their sum. */
const MAX_TOTAL = 0xffff_ffff
/** What binary fractions are off by at most. */
const ROUNDING = 1e-6

/** By host. A Rollout decides about a service of its own namespace that nobody else defines; the oldest wins. */
export function linkRollouts(
  { objects, meshConfig, canaryWeights }: MeshInput,
  services: readonly MeshService[],
): ReadonlyMap<string, LinkedRollout> {
  const linked = new Map<string, LinkedRollout>()
  for (const object of objectsOf(objects, 'Rollout')) {
    const host = expandShortName(object.spec.host, object.namespace, meshConfig.domainSuffix)
    const [service, ...others] = services.filter(candidate => candidate.host === host)
    if (service?.namespace !== object.namespace || others.length > 0 || linked.has(host)) continue
    const canaryWeight = canaryWeights?.get(`${object.namespace}/${object.name}`) ?? 0
    linked.set(host, { object, service, canaryWeight })
  }
  return linked
}

export function applyRollouts(
  virtualServices: readonly LinkedVirtualService[],
  rollouts: ReadonlyMap<string, LinkedRollout>,
  domainSuffix: string,
): readonly LinkedVirtualService[] {
  if (rollouts.size === 0) return virtualServices
  const split = virtualServices.map(service => {
    const http = service.http.map(rule => splitRule(rule, service.namespace, rollouts, domainSuffix))
    return http.every((rule, index) => rule === service.http[index]) ? service : { ...service, http }
  })
  const own = [...rollouts.values()].map(ruleOfItsOwn)
  return [...split, ...own]
}

/** Of a rule's destinations those that one rollout shares requests out between; of one port, as requests keep theirs. */
export interface Shared {
  readonly rollout: LinkedRollout
  /** Written for the stable subset, or for none in particular: at least one. */
  readonly stable: readonly RouteDestination[]
  readonly canary: readonly RouteDestination[]
}

/** None where a rule sends elsewhere, or to canaries alone. */
export function sharedOf(
  { action, delegate }: HttpRoute,
  namespace: string,
  rollouts: ReadonlyMap<string, LinkedRollout>,
  domainSuffix: string,
): readonly Shared[] {
  if (action.kind !== 'route' || delegate) return []
  const groups = new Map<string, { rollout: LinkedRollout; stable: RouteDestination[]; canary: RouteDestination[] }>()
  for (const one of action.destinations) {
    const { host, port, subset } = one.destination
    const rollout = rollouts.get(expandShortName(host, namespace, domainSuffix))
    const isCanary = subset === rollout?.object.spec.canary
    if (!rollout || !(isCanary || subset === '' || subset === rollout.object.spec.stable)) continue
    const key = `${rollout.service.host}:${port ?? onlyPort(rollout.service)}`
    const group = groups.get(key) ?? { rollout, stable: [], canary: [] }
    groups.set(key, group)
    group[isCanary ? 'canary' : 'stable'].push(one)
  }
  return [...groups.values()].filter(({ stable }) => stable.length > 0)
}

function splitRule(
  rule: HttpRoute,
  namespace: string,
  rollouts: ReadonlyMap<string, LinkedRollout>,
  domainSuffix: string,
): HttpRoute {
  const shared = sharedOf(rule, namespace, rollouts, domainSuffix)
  if (shared.length === 0 || rule.action.kind !== 'route') return rule
  const all = rule.action.destinations
  const written = all.length === 1 ? [{ ...all[0]!, weight: 1 }] : all
  const scale = Math.min(100, MAX_TOTAL / Math.max(sumOf(written), 1))
  const its = new Set(shared.flatMap(({ stable, canary }) => [...stable, ...canary]))
  const others = all.filter(one => !its.has(one)).map(one => ({ ...one, weight: Math.floor(one.weight * scale) }))
  const parts = shared.flatMap(group =>
    partsOf(group, all.length === 1 ? 1 : sumOf([...group.stable, ...group.canary]), scale),
  )
  const taken = [...others, ...parts].filter(({ weight }) => weight > 0)
  return { ...rule, action: { kind: 'route', destinations: taken.length > 0 ? taken : all } }
}

/**
 * `share`: what the destinations of the group get together. Each that is written for the stable subset is split in two
 * and keeps what else it says, unless the canary has destinations of its own, which then keep what they say.
 */
function partsOf({ rollout, stable, canary }: Shared, share: number, scale: number): readonly RouteDestination[] {
  const { canaryWeight, object } = rollout
  const parts = (from: readonly RouteDestination[], subset: string, percent: number): readonly RouteDestination[] => {
    const total = sumOf(from)
    return from.map((one, index) => {
      // Where none is written with a weight, the first takes all.
      const part = total === 0 ? Number(index === 0) : one.weight / total
      const weight = Math.floor((share * scale * percent * part) / 100 + ROUNDING)
      return { ...one, destination: { ...one.destination, subset }, weight }
    })
  }
  return [
    ...parts(stable, object.spec.stable, 100 - canaryWeight),
    ...parts(canary.length > 0 ? canary : stable, object.spec.canary, canaryWeight),
  ]
}

function sumOf(destinations: readonly RouteDestination[]): number {
  return destinations.reduce((sum, { weight }) => sum + weight, 0)
}

/** For clients that see no rules for the service. */
function ruleOfItsOwn({ object, service, canaryWeight }: LinkedRollout): LinkedVirtualService {
  const { namespace, name, position, spec } = object
  const to = (subset: string, weight: number): RouteDestination => ({
    destination: { host: service.host, subset },
    weight,
    headers: NO_HEADERS,
    position,
  })
  const destinations = [to(spec.stable, 100 - canaryWeight), to(spec.canary, canaryWeight)]
  const rule: HttpRoute = {
    name: `rollout-${name}`,
    matches: [],
    action: { kind: 'route', destinations: destinations.filter(({ weight }) => weight > 0) },
    rewrite: null,
    headers: NO_HEADERS,
    position,
  }
  const { exportTo } = service
  const common = { http: [rule], tls: [], tcp: [], exportTo }
  const hosts = [{ value: service.host, position }]
  return {
    ...common,
    name: `rollout-${name}`,
    namespace,
    hosts: [service.host],
    gateways: new Set(['mesh']),
    origin: originOf(object),
    delegateOrigins: [],
    isDefault: true,
    object: { ...object, kind: 'VirtualService', spec: { ...common, hosts, gateways: [{ value: 'mesh', position }] } },
  }
}
