// The last look at what a proxy would be sent: every name that is used must be one that is given (go-control-plane's Consistent).
import type { Problem } from '../../base/problem.ts'
import type { ProxyResources, XdsResource } from '../../model/proxy-resources.ts'
import { isOutboundCluster } from '../../translate/emit/resource-names.ts'
import type { ResourceType } from '../../xds/type-url.ts'
import { type Reference, referencesOf } from './references.ts'

/** Names that mesh-wide static config of every proxy provides. */
const BUILT_IN_CLUSTERS = new Set(['sds-grpc', 'xds-grpc'])

/** One problem per dangling reference; empty when the set may be published. */
export function findDanglingReferences(resources: ProxyResources): readonly Problem[] {
  const given: Readonly<Record<Reference['type'], ReadonlySet<string>>> = {
    cluster: new Set([...resources.clusters.map(nameOf), ...BUILT_IN_CLUSTERS]),
    endpoint: new Set(resources.endpoints.map(nameOf)),
    route: new Set(resources.routes.map(nameOf)),
  }
  const problems: Problem[] = []
  const check = (type: ResourceType, list: readonly XdsResource[]): void => {
    for (const resource of list) {
      for (const reference of referencesOf(type, resource.message)) {
        if (given[reference.type].has(reference.name)) continue
        // A rule that sends to what nobody knows is a warning: a proxy answers 503, or closes the connection, as Istio's.
        if (reference.type === 'cluster' && isOutboundCluster(reference.name)) continue
        problems.push({
          code: 'WEFT-2015',
          severity: 'error',
          message: `refers to ${reference.type} "${reference.name}", which the proxy would not be given`,
          object: `${type} ${resource.name}`,
        })
      }
    }
  }
  check('cluster', resources.clusters)
  check('listener', resources.listeners)
  check('route', resources.routes)
  return problems
}

function nameOf(resource: XdsResource): string {
  return resource.name
}
