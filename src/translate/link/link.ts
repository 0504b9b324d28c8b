// Resolves every reference between the objects of a mesh.
import { checkMesh } from './check-mesh.ts'
import { collectServices } from './collect-services.ts'
import { mergeDelegates } from './delegates.ts'
import { DestinationRules } from './destination-rules.ts'
import { EndpointMaker } from './endpoint-maker.ts'
import { EnvoyFilters } from './envoy-filters.ts'
import { InboundProtocols } from './inbound-protocols.ts'
import type { Labels } from './label-selector.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import { linkVirtualService, sourceSelectors } from './linked-virtual-service.ts'
import { Memo } from './memo.ts'
import type { MeshInput } from './mesh-input.ts'
import { PeerPolicies } from './peer-policies.ts'
import { objectsOf } from './precedence.ts'
import { RateLimits } from './rate-limits.ts'
import { applyRollouts, linkRollouts } from './rollouts.ts'
import { Sidecars } from './sidecars.ts'
import { WorkloadDirectory } from './workload-directory.ts'

/** Never throws: what is wrong with the set is in `problems`. Resources are made and kept only when a proxy asks. */
export function link(input: MeshInput): LinkedMesh {
  const { objects, meshConfig } = input
  const { rootNamespace, domainSuffix, trustDomain } = meshConfig
  const peerPolicies = new PeerPolicies(objectsOf(objects, 'PeerAuthentication'), rootNamespace)
  const directory = new WorkloadDirectory(input.workloads, objectsOf(objects, 'WorkloadEntry'))
  const collected = collectServices({
    registry: input.services,
    services: objectsOf(objects, 'Service'),
    entries: objectsOf(objects, 'ServiceEntry'),
    directory,
    maker: new EndpointMaker(peerPolicies, trustDomain),
    meshConfig,
  })
  const { virtualServices, delegates } = mergeDelegates(
    objectsOf(objects, 'VirtualService').map(object => linkVirtualService(object, meshConfig)),
    domainSuffix,
  )
  const rules = objectsOf(objects, 'DestinationRule')
  const destinationRules = new DestinationRules(rules, meshConfig)
  const rollouts = linkRollouts(input, collected.services)
  const mesh = {
    input,
    services: collected.services,
    virtualServices,
    delegates,
    rollouts,
    destinationRules,
    gateways: objectsOf(objects, 'Gateway'),
    sidecars: new Sidecars(objectsOf(objects, 'Sidecar'), rootNamespace),
    peerPolicies,
    envoyFilters: new EnvoyFilters(objectsOf(objects, 'EnvoyFilter'), rootNamespace),
    rateLimits: new RateLimits(objectsOf(objects, 'RateLimit'), rootNamespace),
    inboundProtocols: new InboundProtocols(collected.services),
    clientSelectors: distinct([...sourceSelectors(virtualServices), ...destinationRules.selectors]),
    memo: new Memo(),
  }
  return {
    ...mesh,
    virtualServices: applyRollouts(virtualServices, rollouts, domainSuffix),
    problems: [...collected.problems, ...checkMesh({ ...mesh, problems: [] }, directory)],
  }
}

function distinct(selectors: readonly Labels[]): readonly Labels[] {
  return [...new Map(selectors.map(selector => [JSON.stringify(Object.entries(selector).sort()), selector])).values()]
}
