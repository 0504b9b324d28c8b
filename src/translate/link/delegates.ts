// Rules that delegate, replaced by those of the VirtualServices they name, as istiod merges them: a delegate's rule stays
// where what it matches is part of what its root matches, and has from the root what it does not say itself.
import type { Destination } from '../../model/destination.ts'
import { NO_HEADERS } from '../../model/header-operations.ts'
import type { Delegate, HttpRoute } from '../../model/http-route.ts'
import { expandShortName } from '../host/host-name.ts'
import { type LinkedVirtualService, resolveGateway } from './linked-virtual-service.ts'
import { joinNames, mergeMatches } from './merged-match.ts'
import { exportedTo } from './precedence.ts'

export interface Delegation {
  /** With hosts; no rule delegates any more. In the order given. */
  readonly virtualServices: readonly LinkedVirtualService[]
  /** Those without hosts. */
  readonly delegates: readonly LinkedVirtualService[]
}

export function mergeDelegates(all: readonly LinkedVirtualService[], domainSuffix: string): Delegation {
  const byName = delegatesByName(all)
  const virtualServices = all
    .filter(service => service.hosts.length > 0)
    .map(service => (service.http.some(rule => rule.delegate) ? mergeRoot(service, byName, domainSuffix) : service))
  return { virtualServices, delegates: [...byName.values()] }
}

export function delegatesByName(all: readonly LinkedVirtualService[]): ReadonlyMap<string, LinkedVirtualService> {
  const delegates = all.filter(service => service.hosts.length === 0)
  return new Map(delegates.map(service => [`${service.namespace}/${service.name}`, service]))
}

export function delegateName(delegate: Delegate, root: LinkedVirtualService): string {
  return `${delegate.namespace || root.namespace}/${delegate.name}`
}

function mergeRoot(
  root: LinkedVirtualService,
  byName: ReadonlyMap<string, LinkedVirtualService>,
  domainSuffix: string,
): LinkedVirtualService {
  const used = new Set<LinkedVirtualService>()
  const http = root.http.flatMap(rule => {
    if (!rule.delegate) return rule
    const delegate = byName.get(delegateName(rule.delegate, root))
    if (!delegate || !exportedTo(delegate.exportTo, root.namespace)) return []
    used.add(delegate)
    return delegate.http.flatMap(own => mergeRule(root, rule, delegate, own, domainSuffix) ?? [])
  })
  return { ...root, http, delegateOrigins: [...used].map(delegate => delegate.origin) }
}

/** Null where the delegate's rule matches what the root's does not. */
export function mergeRule(
  root: LinkedVirtualService,
  rule: HttpRoute,
  delegate: LinkedVirtualService,
  own: HttpRoute,
  domainSuffix: string,
): HttpRoute | null {
  const { delegate: _, ...outer } = resolve(rule, root, domainSuffix)
  const inner = resolve(own, delegate, domainSuffix)
  const matches = mergeMatches(outer.matches, inner.matches)
  if (matches === null) return null
  // The root's direct response stands before a delegate's route, too; not before its redirect.
  const answers = inner.action.kind === 'route' && outer.action.kind === 'direct-response'
  return {
    ...outer,
    ...inner,
    name: joinNames(outer.name, inner.name),
    matches,
    action: answers ? outer.action : inner.action,
    rewrite: inner.rewrite ?? outer.rewrite,
    headers: inner.headers === NO_HEADERS ? outer.headers : inner.headers,
  }
}

/** Short names and gateways are of the namespace of whoever wrote them. */
function resolve(rule: HttpRoute, { namespace }: LinkedVirtualService, domainSuffix: string): HttpRoute {
  const { action, mirror, mirrors, fallback } = rule
  const full = <T extends { readonly destination: Destination }>(target: T): T => {
    const { destination } = target
    return {
      ...target,
      destination: { ...destination, host: expandShortName(destination.host, namespace, domainSuffix) },
    }
  }
  return {
    ...rule,
    matches: rule.matches.map(match => ({
      ...match,
      gateways: match.gateways.map(gateway => resolveGateway(gateway, namespace)),
    })),
    action: action.kind === 'route' ? { ...action, destinations: action.destinations.map(full) } : action,
    ...(mirror ? { mirror: full(mirror) } : {}),
    ...(mirrors ? { mirrors: mirrors.map(full) } : {}),
    ...(fallback?.kind === 'destination' ? { fallback: full(fallback) } : {}),
  }
}
