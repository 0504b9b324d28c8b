// Sidecars of which nothing comes: a namespace has room for one without a selector, and hosts must be there to be known.
import { hostWithin, isWildcard } from '../host/host-name.ts'
import type { Findings } from './findings.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import { objectsOf } from './precedence.ts'
import { isForAll } from './sidecars.ts'

export function checkSidecars(mesh: LinkedMesh, hosts: ReadonlyMap<string, unknown>, findings: Findings): void {
  const first = new Map<string, string>()
  for (const object of objectsOf(mesh.input.objects, 'Sidecar')) {
    const { namespace, name, spec, position } = object
    if (isForAll(object)) {
      const other = first.get(namespace)
      if (other) {
        const message = `Sidecar ${namespace}/${other} has no selector either, is older, and wins`
        findings.add('WEFT-1012', object, 'spec.workloadSelector', position, message)
      } else first.set(namespace, name)
    }
    for (const entry of spec.egressHosts ?? []) {
      if (isWildcard(entry.host) || hosts.has(entry.host)) continue
      const ruled = mesh.virtualServices.some(rules => rules.hosts.some(host => hostWithin(entry.host, host)))
      if (ruled) continue
      const hint = findings.suggest(entry.host, hosts.keys())
      const message = `the host "${entry.host}" is not known`
      findings.add('WEFT-1101', object, 'spec.egress', entry.position, message, hint)
    }
  }
}
