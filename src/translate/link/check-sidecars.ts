// Sidecars of which nothing comes: a namespace has room for one without a selector, and hosts must be there to be known.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { EgressListener } from '../../model/sidecar.ts'
import { hostWithin, isWildcard } from '../host/host-name.ts'
import type { Findings } from './findings.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import { objectsOf } from './precedence.ts'
import { importsService, isForAll } from './sidecars.ts'

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
    for (const listener of spec.egress ?? []) {
      for (const entry of listener.hosts) {
        if (isWildcard(entry.host) || hosts.has(entry.host)) continue
        const ruled = mesh.virtualServices.some(rules => rules.hosts.some(host => hostWithin(entry.host, host)))
        if (ruled) continue
        const hint = findings.suggest(entry.host, hosts.keys())
        const message = `the host "${entry.host}" is not known`
        findings.add('WEFT-1101', object, 'spec.egress', entry.position, message, hint)
      }
      checkPort(mesh, object, listener, findings)
    }
    checkTls(mesh, object, findings)
    const { egressProxy } = spec.outboundTrafficPolicy ?? {}
    if (egressProxy && !hosts.has(egressProxy.host.toLowerCase()))
      findings.add(
        'WEFT-1101',
        object,
        'spec.outboundTrafficPolicy.egressProxy',
        position,
        `the host "${egressProxy.host}" is not known: what nobody knows is answered 503`,
      )
  }
}

/** A listener's own TLS and the mesh's cannot both be what a connection begins with. */
function checkTls(mesh: LinkedMesh, object: ConfigObjectOf<'Sidecar'>, findings: Findings): void {
  const own = object.spec.ingress.filter(({ tls }) => tls !== null)
  if (own.length === 0) return
  for (const { namespace, name, labels } of mesh.input.workloads) {
    if (mesh.sidecars.of(namespace, labels) !== object) continue
    for (const { port } of own) {
      if (mesh.peerPolicies.of(namespace, labels, port.number).mode === 'DISABLE') continue
      const message = `tls of port ${port.number} has no effect on the workload ${namespace}/${name}, which speaks mutual TLS`
      findings.add(
        'WEFT-1012',
        object,
        'spec.ingress',
        port.position,
        message,
        'a PeerAuthentication DISABLE for the port',
      )
    }
  }
}

/** In the root namespace `.` is any. */
function checkPort(
  mesh: LinkedMesh,
  object: ConfigObjectOf<'Sidecar'>,
  listener: EgressListener,
  findings: Findings,
): void {
  const { port, hosts } = listener
  if (!port || port.protocol === 'HTTP_PROXY' || hosts.length === 0) return
  const isRoot = object.namespace === mesh.input.meshConfig.rootNamespace
  const served = mesh.services.some(
    service =>
      service.ports.some(({ number }) => number === port.number) &&
      importsService(listener, isRoot ? service.namespace : object.namespace, service),
  )
  if (served) return
  const message = `no service of the hosts has port ${port.number}: nothing listens there`
  findings.add('WEFT-1101', object, 'spec.egress', port.position, message)
}
