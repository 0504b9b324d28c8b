// Rules that delegate to nothing, and delegates' rules that are left out. Warnings, as Istio takes such a set.
import { delegateName, mergeRule } from './delegates.ts'
import type { Findings } from './findings.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import type { LinkedVirtualService } from './linked-virtual-service.ts'
import { exportedTo } from './precedence.ts'

export function checkDelegates(mesh: LinkedMesh, findings: Findings): void {
  const delegates = new Map(mesh.delegates.map(service => [nameOf(service), service]))
  const roots = new Set(mesh.virtualServices.map(nameOf))
  const used = new Set<LinkedVirtualService>()
  for (const root of mesh.virtualServices)
    for (const [index, rule] of root.object.spec.http.entries()) {
      if (!rule.delegate) continue
      const name = delegateName(rule.delegate, root)
      const delegate = delegates.get(name)
      if (delegate) used.add(delegate)
      const add = (message: string, hint?: string): void =>
        findings.add('WEFT-1111', root.object, `spec.http[${index}].delegate`, rule.position, message, hint)
      if (roots.has(name)) add(`the VirtualService "${name}" has hosts of its own, which a delegate has not`)
      else if (!delegate) add(`the VirtualService "${name}" is not known`, findings.suggest(name, delegates.keys()))
      else if (!exportedTo(delegate.exportTo, root.namespace))
        add(`the VirtualService "${name}" is not exported to the namespace "${root.namespace}"`)
      else checkRules(mesh, root, index, delegate, findings)
    }
  for (const delegate of mesh.delegates) {
    const { object } = delegate
    if (!used.has(delegate))
      findings.add('WEFT-1111', object, 'spec', object.position, 'it has no hosts, and no rule delegates to it')
  }
}

function checkRules(
  mesh: LinkedMesh,
  root: LinkedVirtualService,
  index: number,
  delegate: LinkedVirtualService,
  findings: Findings,
): void {
  const rule = root.object.spec.http[index]!
  for (const [at, own] of delegate.http.entries()) {
    if (mergeRule(root, rule, delegate, own, mesh.input.meshConfig.domainSuffix) !== null) continue
    const message = `matches what http[${index}] of VirtualService ${nameOf(root)}, which delegates to it, does not`
    findings.add('WEFT-1112', delegate.object, `spec.http[${at}].match`, own.position, message)
  }
}

function nameOf({ namespace, name }: LinkedVirtualService): string {
  return `${namespace}/${name}`
}
