// What Rollouts make of routes: wherever a rule sends to the stable subset, or to no subset in particular, its requests
// are shared out between the stable subset and the canary. A service without rules gets one.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { RouteDestination } from '../../model/destination.ts'
import { NO_HEADERS } from '../../model/header-operations.ts'
import type { HttpRoute } from '../../model/http-route.ts'
import { expandShortName, hostWithin, isWildcard } from '../host/host-name.ts'
import type { LinkedVirtualService } from './linked-virtual-service.ts'
import type { MeshInput } from './mesh-input.ts'
import type { MeshService } from './mesh-service.ts'
import { objectsOf, originOf } from './precedence.ts'

export interface LinkedRollout {
  readonly object: ConfigObjectOf<'Rollout'>
  readonly service: MeshService
  /** Percent of the requests. */
  readonly canaryWeight: number
}

/** Weights are relative; Envoy bounds their sum. */
const MAX_TOTAL = 0xffff_ffff

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
  const own = [...rollouts.values()].flatMap(rollout => ruleOfItsOwn(rollout, virtualServices) ?? [])
  return [...split, ...own]
}

/** The rollout that a rule's destinations make it a matter of; null: it sends elsewhere, or to the canary alone. */
export function rolloutOf(
  { action, delegate }: HttpRoute,
  namespace: string,
  rollouts: ReadonlyMap<string, LinkedRollout>,
  domainSuffix: string,
): LinkedRollout | null {
  if (action.kind !== 'route' || delegate) return null
  for (const { destination } of action.destinations) {
    const rollout = rollouts.get(expandShortName(destination.host, namespace, domainSuffix))
    if (rollout && (destination.subset === '' || destination.subset === rollout.object.spec.stable)) return rollout
  }
  return null
}

function splitRule(
  rule: HttpRoute,
  namespace: string,
  rollouts: ReadonlyMap<string, LinkedRollout>,
  domainSuffix: string,
): HttpRoute {
  const rollout = rolloutOf(rule, namespace, rollouts, domainSuffix)
  if (rollout === null || rule.action.kind !== 'route') return rule
  const { stable, canary } = rollout.object.spec
  const all = rule.action.destinations
  const isIts = ({ destination: { host, subset } }: RouteDestination): boolean =>
    expandShortName(host, namespace, domainSuffix) === rollout.service.host && ['', stable, canary].includes(subset)
  const its = all.filter(isIts)
  const others = all.filter(destination => !isIts(destination))
  const share = all.length === 1 ? 1 : its.reduce((sum, { weight }) => sum + weight, 0)
  const total = others.reduce((sum, { weight }) => sum + weight, share)
  const scale = Math.min(100, MAX_TOTAL / Math.max(total, 1))
  const toStable = its.find(({ destination }) => destination.subset !== canary)!
  const toCanary = its.find(({ destination }) => destination.subset === canary) ?? toStable
  const { canaryWeight } = rollout
  const part = (from: RouteDestination, subset: string, percent: number): RouteDestination => ({
    ...from,
    destination: { ...from.destination, subset },
    weight: Math.floor((share * scale * percent) / 100),
  })
  const parts = [
    ...others.map(other => ({ ...other, weight: Math.floor(other.weight * scale) })),
    part(toStable, stable, 100 - canaryWeight),
    part(toCanary, canary, canaryWeight),
  ]
  const taken = parts.filter(({ weight }) => weight > 0)
  return { ...rule, action: { kind: 'route', destinations: taken.length > 0 ? taken : all } }
}

/** For clients that see no rule for the service; null where rules for a wildcard take its requests. */
function ruleOfItsOwn(
  { object, service, canaryWeight }: LinkedRollout,
  virtualServices: readonly LinkedVirtualService[],
): LinkedVirtualService | null {
  const byWildcard = ({ gateways, hosts }: LinkedVirtualService): boolean =>
    gateways.has('mesh') && hosts.some(host => isWildcard(host) && hostWithin(service.host, host))
  if (virtualServices.some(byWildcard)) return null
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
    object: { ...object, kind: 'VirtualService', spec: { ...common, hosts, gateways: [{ value: 'mesh', position }] } },
  }
}
