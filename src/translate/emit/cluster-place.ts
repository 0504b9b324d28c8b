// What a cluster's policy makes of where its client is.
import type { Subset } from '../../model/destination-rule.ts'
import type { EffectivePolicy, TrafficPolicyBlocks } from '../../model/traffic-policy.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import type { MergedRule } from '../link/merged-rules.ts'
import type { MeshService, MeshServicePort } from '../link/mesh-service.ts'
import { policyFor } from './cluster-policy.ts'
import { type ClientPlace, dependsOnPlace, type LocalitySpread, spreadRule } from './locality-spread.ts'

/** Where a client is, and a key for it: clients of one key are told the same. */
export interface PlaceKey extends ClientPlace {
  readonly key: string
}

/** Which cluster of a service. */
export interface ClusterChoice {
  readonly rule: MergedRule | null
  readonly port: MeshServicePort
  readonly subset: Subset | null
}

export function policyOf({ input }: LinkedMesh, { rule, port, subset }: ClusterChoice): EffectivePolicy {
  const { defaultTrafficPolicy } = input.meshConfig
  return policyFor(port.number, rule?.trafficPolicy ?? null, subset?.trafficPolicy ?? null, defaultTrafficPolicy)
}

/** Connections go on to where they were headed. */
export function passesThrough(mesh: LinkedMesh, choice: ClusterChoice): boolean {
  const { loadBalancer } = policyOf(mesh, choice)
  return loadBalancer?.simple === 'PASSTHROUGH' && !loadBalancer.consistentHash
}

/** Clients find out which endpoints are unwell. */
export function failsOver({ outlierDetection }: TrafficPolicyBlocks): boolean {
  return outlierDetection !== undefined
}

/** Whether any cluster of the service is another one elsewhere. */
export function isPlaced(mesh: LinkedMesh, service: MeshService, rule: MergedRule | null): boolean {
  const subsets = [null, ...(rule?.subsets ?? [])]
  return service.ports.some(port =>
    subsets.some(subset => {
      const policy = policyOf(mesh, { rule, port, subset })
      return dependsOnPlace(spreadRule(mesh.input.meshConfig, policy), failsOver(policy))
    }),
  )
}

export function spreadFor(mesh: LinkedMesh, choice: ClusterChoice, client: ClientPlace): LocalitySpread | null {
  const policy = policyOf(mesh, choice)
  const rule = spreadRule(mesh.input.meshConfig, policy)
  return rule && { rule, failsOver: failsOver(policy), client }
}
