// describe service, of a host that a ServiceEntry makes known: its ports, where it is, and the rules for it.
import type { ServiceEntry } from '../../model/service-entry.ts'
import { hostWithin } from '../../translate/host/host-name.ts'
import { describeRules } from './describe-service.ts'
import type { MeshView } from './mesh-view.ts'

/** Lines, or null where no ServiceEntry names it. */
export function describeHost(view: MeshView, host: string): string[] | null {
  for (const { name, spec } of view.objects('ServiceEntry')) {
    const named = spec.hosts.find(each => hostWithin(host, each.value))
    if (named === undefined) continue
    return [
      `ServiceEntry: ${name} for ${named.value}`,
      ...spec.ports.map(port => `   Port: ${port.name} ${port.number}/${port.protocol}`),
      ...describeEndpoints(spec),
      ...describeRules(view, host, []),
    ]
  }
  return null
}

function describeEndpoints(entry: ServiceEntry): string[] {
  if (entry.workloadSelector !== null) return ['   Endpoints: workloads by their labels']
  if (entry.endpoints.length === 0)
    return [`   Endpoints: by ${entry.resolution === 'NONE' ? 'what the caller means' : 'DNS'}`]
  return entry.endpoints.map(({ address, ports }) => {
    const mapped = Object.entries(ports).map(([name, number]) => ` ${name}:${number}`)
    return `   Endpoint: ${address}${mapped.join('')}`
  })
}
