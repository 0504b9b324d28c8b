// Rollouts that decide nothing, and rules that leave them less to decide than they say.
import { expandShortName } from '../host/host-name.ts'
import type { Findings } from './findings.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import type { LinkedVirtualService } from './linked-virtual-service.ts'
import type { MeshService } from './mesh-service.ts'
import { objectsOf } from './precedence.ts'
import { type LinkedRollout, rolloutOf } from './rollouts.ts'

/** `mesh` with its rules as they were written. */
export function checkRollouts(
  mesh: LinkedMesh,
  hosts: ReadonlyMap<string, readonly MeshService[]>,
  findings: Findings,
): void {
  for (const object of objectsOf(mesh.input.objects, 'Rollout')) {
    const { namespace, spec } = object
    const host = expandShortName(spec.host, namespace, mesh.input.meshConfig.domainSuffix)
    const linked = mesh.rollouts.get(host)
    if (linked?.object === object) {
      checkSubsets(mesh, linked, findings)
      continue
    }
    const services = hosts.get(host) ?? []
    const add = (code: 'WEFT-1101' | 'WEFT-1131', message: string, hint?: string): void =>
      findings.add(code, object, 'spec.host', spec.hostPosition, message, hint)
    if (services.length === 0) add('WEFT-1101', `the host "${host}" is not known`, findings.suggest(host, hosts.keys()))
    else if (services.length > 1) add('WEFT-1131', `several namespaces define "${host}"; nothing is decided about it`)
    else if (services[0]!.namespace !== namespace)
      add('WEFT-1131', `"${host}" is of namespace ${services[0]!.namespace}; a Rollout decides about its own only`)
    else if (linked) {
      const message = `Rollout ${namespace}/${linked.object.name} is older, and decides about "${host}"`
      findings.refuse('WEFT-1131', object, 'spec.host', spec.hostPosition, message)
    }
  }
  for (const service of mesh.virtualServices) checkRules(mesh, service, findings)
}

function checkSubsets(mesh: LinkedMesh, { object, service }: LinkedRollout, findings: Findings): void {
  const { namespace, spec, position } = object
  const known = mesh.destinationRules.of(service, namespace, {})?.subsets.map(subset => subset.name) ?? []
  for (const field of ['stable', 'canary'] as const) {
    const subset = spec[field]
    if (known.includes(subset)) continue
    const message = `no DestinationRule defines the subset "${subset}" of "${service.host}"; requests to it get 503`
    findings.add('WEFT-1102', object, `spec.${field}`, position, message, findings.suggest(subset, known))
  }
}

function checkRules(mesh: LinkedMesh, { object, namespace, http }: LinkedVirtualService, findings: Findings): void {
  const { domainSuffix } = mesh.input.meshConfig
  for (const [index, rule] of http.entries()) {
    if (rule.action.kind !== 'route' || rule.delegate) continue
    const deciding = rolloutOf(rule, namespace, mesh.rollouts, domainSuffix)
    for (const [at, { destination, weight, position }] of rule.action.destinations.entries()) {
      const rollout = mesh.rollouts.get(expandShortName(destination.host, namespace, domainSuffix))
      if (!rollout || destination.subset !== rollout.object.spec.canary) continue
      const who = `Rollout ${rollout.object.namespace}/${rollout.object.name}`
      const path = `spec.http[${index}].route[${at}]`
      const only = rule.action.destinations.length === 1
      if (deciding === rollout) {
        const message = `${who} says how many requests the subset "${destination.subset}" gets, not the weight ${weight}`
        if (weight > 0) findings.add('WEFT-1132', object, path, position, message)
      } else if ((only && rule.matches.length === 0) || (!only && weight > 0)) {
        const message = `sends to the canary of ${who} whatever that says`
        findings.add('WEFT-1131', object, path, position, message, `send to "${rollout.object.spec.stable}", too`)
      }
    }
  }
}
