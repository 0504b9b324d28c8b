// Rollouts that decide nothing, and rules that leave them less to decide than they say.
import { expandShortName } from '../host/host-name.ts'
import type { Findings } from './findings.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import { type LinkedVirtualService, takesByWildcard } from './linked-virtual-service.ts'
import type { MeshService } from './mesh-service.ts'
import { objectsOf } from './precedence.ts'
import { type LinkedRollout, sharedOf } from './rollouts.ts'

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
      checkWildcards(mesh, linked, findings)
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

/** Rules for the host itself go before those for a wildcard: whoever wrote them meant the service. */
function checkWildcards(mesh: LinkedMesh, rollout: LinkedRollout, findings: Findings): void {
  const { object, service } = rollout
  const { host } = service
  if (mesh.virtualServices.some(({ hosts }) => hosts.includes(host))) return
  for (const rules of mesh.virtualServices) {
    const { http, namespace, name } = rules
    const isShared = http.some(rule =>
      sharedOf(rule, namespace, mesh.rollouts, mesh.input.meshConfig.domainSuffix).some(one => one.rollout === rollout),
    )
    if (isShared || !takesByWildcard(rules, host)) continue
    const { stable, hostPosition } = object.spec
    const message = `VirtualService ${namespace}/${name} takes the requests for "${host}" by a wildcard, and sends none to "${stable}"`
    findings.add('WEFT-1131', object, 'spec.host', hostPosition, message)
  }
}

function checkRules(mesh: LinkedMesh, { object, namespace, http }: LinkedVirtualService, findings: Findings): void {
  const { domainSuffix } = mesh.input.meshConfig
  for (const [index, rule] of http.entries()) {
    if (rule.action.kind !== 'route' || rule.delegate) continue
    const shared = sharedOf(rule, namespace, mesh.rollouts, domainSuffix)
    for (const [at, written] of rule.action.destinations.entries()) {
      const { destination, weight, position } = written
      const rollout = mesh.rollouts.get(expandShortName(destination.host, namespace, domainSuffix))
      if (!rollout || destination.subset !== rollout.object.spec.canary) continue
      const who = `Rollout ${rollout.object.namespace}/${rollout.object.name}`
      const path = `spec.http[${index}].route[${at}]`
      const only = rule.action.destinations.length === 1
      if (shared.some(({ canary }) => canary.includes(written))) {
        const message = `${who} says how many requests the subset "${destination.subset}" gets, not the weight ${weight}`
        if (weight > 0) findings.add('WEFT-1132', object, path, position, message)
      } else if ((only && rule.matches.length === 0) || (!only && weight > 0)) {
        const message = `sends to the canary of ${who} whatever that says`
        findings.add('WEFT-1131', object, path, position, message, `send to "${rollout.object.spec.stable}", too`)
      }
    }
  }
}
