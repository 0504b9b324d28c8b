// A VirtualService with its hosts spelt out and its gateways resolved.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { HttpRoute } from '../../model/http-route.ts'
import type { L4Route } from '../../model/l4-route.ts'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { Origin } from '../../model/origin.ts'
import { expandShortName, hostWithin, isWildcard } from '../host/host-name.ts'
import type { Labels } from './label-selector.ts'
import { exportedBy, exportedTo, originOf } from './precedence.ts'

export interface LinkedVirtualService {
  readonly name: string
  readonly namespace: string
  readonly hosts: readonly string[]
  /** `mesh`, or `namespace/name`. */
  readonly gateways: ReadonlySet<string>
  readonly http: readonly HttpRoute[]
  readonly tls: readonly L4Route[]
  readonly tcp: readonly L4Route[]
  readonly exportTo: readonly string[]
  readonly origin: Origin
  /** Of the VirtualServices whose rules are among its own. */
  readonly delegateOrigins: readonly Origin[]
  readonly object: ConfigObjectOf<'VirtualService'>
  /** Nobody wrote it: it is for those who see no rules for its hosts, not even by a wildcard. */
  readonly isDefault?: true
}

export function linkVirtualService(
  object: ConfigObjectOf<'VirtualService'>,
  { domainSuffix, defaultVirtualServiceExportTo }: MeshConfig,
): LinkedVirtualService {
  const { namespace, name, spec } = object
  return {
    name,
    namespace,
    hosts: spec.hosts.map(host => expandShortName(host.value, namespace, domainSuffix)),
    gateways: new Set(spec.gateways.map(gateway => resolveGateway(gateway.value, namespace))),
    http: spec.http,
    tls: spec.tls,
    tcp: spec.tcp,
    exportTo: exportedBy(spec.exportTo, defaultVirtualServiceExportTo, namespace),
    origin: originOf(object),
    delegateOrigins: [],
    object,
  }
}

export function resolveGateway(reference: string, namespace: string): string {
  if (reference === 'mesh') return reference
  if (reference.startsWith('./')) return `${namespace}/${reference.slice(2)}`
  return reference.includes('/') ? reference : `${namespace}/${reference}`
}

/**
 * Those a proxy in `namespace` sees, in Istio's order of look-up: the namespace's own, exported to it by name, public;
 * within each, precedence.
 */
export function visibleVirtualServices(
  all: readonly LinkedVirtualService[],
  namespace: string,
): readonly LinkedVirtualService[] {
  const rank = (service: LinkedVirtualService): number => {
    if (service.exportTo.length === 0 || service.exportTo.includes('*')) return 2
    return service.namespace === namespace ? 0 : 1
  }
  const seen = all.filter(service => exportedTo(service.exportTo, namespace))
  return [0, 1, 2].flatMap(wanted => seen.filter(service => rank(service) === wanted))
}

/** Its rules are for what proxies send to the host, by a wildcard. */
export function takesByWildcard({ gateways, hosts }: LinkedVirtualService, host: string): boolean {
  return gateways.has('mesh') && hosts.some(one => isWildcard(one) && hostWithin(host, one))
}

/** Of what somebody sees: defaults give way. */
export function withoutIdleDefaults(seen: readonly LinkedVirtualService[]): readonly LinkedVirtualService[] {
  return seen.filter(
    ({ isDefault, hosts }) => !isDefault || !hosts.some(host => seen.some(other => takesByWildcard(other, host))),
  )
}

/** Hosts as written of all that its rules send to, copies and fallbacks among it. */
export function destinationsOf({ http, tls, tcp }: LinkedVirtualService): readonly string[] {
  const ofRequests = http.flatMap(({ action }) => (action.kind === 'route' ? action.destinations : []))
  const ofBytes = [...tls, ...tcp].flatMap(route => route.destinations)
  const copies = http.flatMap(({ mirror, mirrors = [] }) => (mirror ? [mirror, ...mirrors] : mirrors))
  const fallbacks = http.flatMap(({ fallback }) =>
    fallback?.kind === 'destination' ? [{ destination: fallback.destination }] : [],
  )
  return [...ofRequests, ...copies, ...fallbacks, ...ofBytes].map(({ destination }) => destination.host)
}

/** Label sets on which a proxy's routes depend. */
export function sourceSelectors(all: readonly LinkedVirtualService[]): readonly Labels[] {
  return all
    .flatMap(({ http, tls, tcp }) => [
      ...http.flatMap(route => route.matches),
      ...[...tls, ...tcp].flatMap(route => route.matches),
    ])
    .map(match => match.sourceLabels)
    .filter(labels => Object.keys(labels).length > 0)
}
