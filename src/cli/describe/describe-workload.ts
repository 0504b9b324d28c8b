// describe workload: its ports, identity and health, and what its services' rules say.
import type { Workload, WorkloadProxy } from '../../model/workload.ts'
import { describeRules } from './describe-service.ts'
import { type MeshView, selects } from './mesh-view.ts'

export function describeWorkload(view: MeshView, workload: Workload): string[] {
  const lines = [
    `Workload: ${workload.name}${workload.namespace === 'default' ? '' : `.${workload.namespace}`}`,
    `   Service Account: ${workload.serviceAccount}`,
    `   Labels: ${Object.entries(workload.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',')}`,
    `   Ports: ${workload.ports.map(port => `${port.number} (application :${port.applicationPort}, sidecar :${port.inboundPort})`).join(', ') || 'none'}`,
    `   Health: ${workload.healthy ? 'HEALTHY' : 'UNHEALTHY'}`,
    `   Proxy: ${workload.proxy === null ? 'none' : describeProxy(workload.proxy)}`,
  ]
  const { mode, from } = view.peerAuthentication(workload)
  lines.push('Effective PeerAuthentication:', `   Workload mTLS mode: ${mode} (${from})`)
  for (const gateway of view.objects('Gateway')) {
    if (workload.proxy?.kind !== 'router' || !selects(gateway.spec.selector, workload.labels)) continue
    const ports = gateway.spec.servers.map(server => server.port.number).join(',')
    lines.push(`Gateway: ${gateway.namespace}/${gateway.name} on port ${ports}`)
  }
  for (const service of servicesOf(view, workload)) {
    lines.push(
      '--------------------',
      `Service: ${service.name}`,
      ...describeRules(view, view.fqdn(service), [workload]),
    )
  }
  return lines
}

function describeProxy({ kind, adminPort, hbonePort }: WorkloadProxy): string {
  return `${kind}, admin :${adminPort ?? '-'}${hbonePort === undefined ? '' : `, HBONE :${hbonePort}`}`
}

function servicesOf(view: MeshView, workload: Workload): { name: string; namespace: string }[] {
  const selecting = view
    .objects('Service')
    .filter(
      service =>
        service.namespace === workload.namespace &&
        (service.spec.selector === null
          ? service.name === workload.service
          : selects(service.spec.selector, workload.labels)),
    )
  const registered = view.services.filter(
    service => service.namespace === workload.namespace && service.name === workload.service,
  )
  const names = new Set([...selecting, ...registered].map(service => service.name))
  return [...names].map(name => ({ name, namespace: workload.namespace }))
}
