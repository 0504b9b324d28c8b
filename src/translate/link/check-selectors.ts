// Selectors of a mesh against what carries labels in it.
import { isIpAddress } from '../host/ip-address.ts'
import { portOf } from './endpoint-maker.ts'
import type { Findings } from './findings.ts'
import { selects } from './label-selector.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import { objectsOf } from './precedence.ts'
import type { WorkloadDirectory } from './workload-directory.ts'

/** Selectors that find nothing, or what cannot be used. Which workloads there are is not known when files are checked alone. */
export function checkSelectors(mesh: LinkedMesh, directory: WorkloadDirectory, findings: Findings): void {
  checkNamedEntries(mesh, directory, findings)
  if (directory.all.length === 0) return
  for (const object of objectsOf(mesh.input.objects, 'Service')) {
    const { selector, ports } = object.spec
    const workloads = selector
      ? directory.select(object.namespace, selector)
      : directory.ofService(object.namespace, object.name)
    if (workloads.length === 0 && selector && directory.selectEntries(object.namespace, selector).length === 0)
      findings.add('WEFT-1106', object, 'spec.selector', object.position, 'no workload carries these labels')
    for (const [index, port] of ports.entries())
      for (const workload of workloads) {
        if (portOf(workload, port.targetPort, port.name)) continue
        const message = `the workload ${workload.namespace}/${workload.name} declares no port ${port.targetPort}`
        findings.add('WEFT-1107', object, `spec.ports[${index}].targetPort`, object.position, message)
      }
  }
  for (const limit of objectsOf(mesh.input.objects, 'RateLimit'))
    if (!directory.all.some(workload => mesh.rateLimits.of(workload.namespace, workload.labels).includes(limit)))
      findings.add('WEFT-1106', limit, 'spec.selector', limit.position, 'no workload carries these labels')
  for (const gateway of mesh.gateways)
    if (!directory.all.some(workload => selects(gateway.spec.selector, workload.labels)))
      findings.add('WEFT-1106', gateway, 'spec.selector', gateway.position, 'no workload carries these labels')
}

/** Envoy takes an endpoint with a name for an address only in a cluster that resolves by DNS. */
function checkNamedEntries(mesh: LinkedMesh, directory: WorkloadDirectory, findings: Findings): void {
  const { objects } = mesh.input
  const fixed = [
    ...objectsOf(objects, 'Service').map(object => ({ object, selector: object.spec.selector })),
    ...objectsOf(objects, 'ServiceEntry')
      .filter(object => object.spec.resolution === 'STATIC')
      .map(object => ({ object, selector: object.spec.workloadSelector })),
  ]
  for (const { object, selector } of fixed)
    for (const entry of selector ? directory.selectEntries(object.namespace, selector) : []) {
      if (isIpAddress(entry.spec.address)) continue
      const by = `${object.kind} ${object.namespace}/${object.name}`
      const message = `"${entry.spec.address}" is a name, and ${by}, which selects it, does not resolve names; it gets no traffic`
      findings.add(
        'WEFT-1012',
        entry,
        'spec.address',
        entry.spec.position,
        message,
        'use a ServiceEntry with resolution: DNS',
      )
    }
}
