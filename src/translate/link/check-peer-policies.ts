// PeerAuthentications that decide nothing, because of what they select or of another one.
import type { Findings } from './findings.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import { compare, objectsOf } from './precedence.ts'

export function checkPeerPolicies(mesh: LinkedMesh, findings: Findings): void {
  const { objects, meshConfig } = mesh.input
  const deciding = new Map<string, string>()
  for (const object of objectsOf(objects, 'PeerAuthentication')) {
    const labels = Object.entries(object.spec.selector ?? {}).sort(([a], [b]) => compare(a, b))
    if (labels.length > 0 && object.namespace === meshConfig.rootNamespace) {
      const message = 'a policy with a selector in the root namespace selects nothing, as in Istio'
      findings.add(
        'WEFT-1012',
        object,
        'spec.selector',
        object.position,
        message,
        'put it in the namespace of its workloads',
      )
      continue
    }
    const level = JSON.stringify([object.namespace, labels])
    const other = deciding.get(level)
    if (other === undefined) deciding.set(level, object.name)
    else {
      const message = `PeerAuthentication ${object.namespace}/${other} selects the same, is older, and decides`
      findings.add('WEFT-1012', object, 'spec.selector', object.position, message)
    }
  }
}
