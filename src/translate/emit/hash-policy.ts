// What of a request is hashed on its way to a destination: the rule's word, looked up as Istio looks it up for routes.
import { create } from '@bufbuild/protobuf'
import type { ConsistentHash, HashKey } from '../../model/load-balancer.ts'
import type { TrafficPolicy } from '../../model/traffic-policy.ts'
import {
  type RouteAction_HashPolicy,
  RouteAction_HashPolicySchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ClientScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import type { MergedRule } from '../link/merged-rules.ts'
import type { MeshService } from '../link/mesh-service.ts'
import { duration } from './durations.ts'

/** Of a route's destination: `port` is the one it names, and undefined where it leaves that to others. */
export type HashLookup = (host: string, subset: string, port: number | undefined) => ConsistentHash | null

export function hashLookup(mesh: LinkedMesh, scope: ClientScope): HashLookup {
  return (host, subset, port) => {
    const service = scope.services.get(host)
    return service ? hashOfDestination(ruleOf(mesh, scope, service), subset, port) : null
  }
}

/** Of the route that a service has without a VirtualService. */
export function hashOfService(
  mesh: LinkedMesh,
  scope: ClientScope,
  service: MeshService,
  port: number,
): ConsistentHash | null {
  return hashOfDestination(ruleOf(mesh, scope, service), '', port)
}

/** Bytes can be hashed by their client only; what is said of single ports Istio passes over here. */
export function hashesSourceIp(mesh: LinkedMesh, scope: ClientScope, service: MeshService): boolean {
  const hash = ruleOf(mesh, scope, service)?.trafficPolicy?.loadBalancer?.consistentHash
  return hash?.key?.kind === 'source-ip'
}

function ruleOf(mesh: LinkedMesh, scope: ClientScope, service: MeshService): MergedRule | null {
  return mesh.destinationRules.of(service, scope.namespace, scope.labels)
}

/** The subset's for the port, the subset's, the rule's for the port, the rule's: the first that hashes. */
function hashOfDestination(rule: MergedRule | null, subset: string, port: number | undefined): ConsistentHash | null {
  const own = rule?.subsets.find(({ name }) => name === subset)?.trafficPolicy ?? null
  const whole = rule?.trafficPolicy ?? null
  return (
    hashForPort(own, port) ??
    own?.loadBalancer?.consistentHash ??
    hashForPort(whole, port) ??
    whole?.loadBalancer?.consistentHash ??
    null
  )
}

function hashForPort(policy: TrafficPolicy | null, port: number | undefined): ConsistentHash | undefined {
  const setting = policy?.portLevelSettings.find(candidate => candidate.port === port)
  return setting?.loadBalancer?.consistentHash
}

/** None for a rule that balances by hash and names nothing to hash. */
export function hashPolicies(hashes: readonly (ConsistentHash | null)[]): RouteAction_HashPolicy[] {
  return hashes.flatMap(hash => (hash?.key ? [create(RouteAction_HashPolicySchema, specifierOf(hash.key))] : []))
}

function specifierOf(key: HashKey) {
  switch (key.kind) {
    case 'header':
      return { policySpecifier: { case: 'header', value: { headerName: key.name } } } as const
    case 'query-parameter':
      return { policySpecifier: { case: 'queryParameter', value: { name: key.name } } } as const
    case 'source-ip':
      return { policySpecifier: { case: 'connectionProperties', value: { sourceIp: true } } } as const
    case 'cookie': {
      const { name, path, ttlMs, attributes } = key
      const ttl = ttlMs === undefined ? {} : { ttl: duration(ttlMs) }
      const value = { name, path, ...ttl, attributes: attributes.map(attribute => ({ ...attribute })) }
      return { policySpecifier: { case: 'cookie', value } } as const
    }
  }
}
