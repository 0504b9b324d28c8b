// The ports on which peers reach a workload: those that it declares, as its Sidecar's ingress listeners have them.

import type { Origin } from '../../model/origin.ts'
import type { PortProtocol } from '../../model/port-protocol.ts'
import type { ServerTls } from '../../model/server-tls.ts'
import type { IngressEndpoint, IngressListener } from '../../model/sidecar.ts'
import type { ConnectionPool } from '../../model/traffic-policy.ts'
import type { Workload, WorkloadPort } from '../../model/workload.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { originOf } from '../link/precedence.ts'

export interface InboundPort {
  readonly port: WorkloadPort
  readonly protocol: PortProtocol
  /** Where its listener is bound. */
  readonly bind: string
  /** Null: nobody, where the listener would call itself. */
  readonly application: { readonly address: string; readonly port: number } | null
  readonly tls: ServerTls | null
  /** Before any DestinationRule's; null: that. */
  readonly connectionPool: ConnectionPool | null
  readonly origins: readonly Origin[]
}

export function inboundPorts(mesh: LinkedMesh, workload: Workload): readonly InboundPort[] {
  const sidecar = mesh.sidecars.of(workload.namespace, workload.labels)
  const { ingress = [], inboundConnectionPool = null } = sidecar?.spec ?? {}
  const declared = new Set(workload.ports.map(({ number }) => number))
  const added = ingress.filter(({ port }) => !declared.has(port.number)).map(portOf)
  const origins = sidecar && (ingress.length > 0 || inboundConnectionPool) ? [originOf(sidecar)] : []
  return [...workload.ports, ...added].map(port => {
    const listener = ingress.find(candidate => candidate.port.number === port.number)
    const bind = listener?.bind || (workload.proxy?.bindAddress ?? '127.0.0.1')
    return {
      port,
      protocol: listener?.port.protocol ?? mesh.inboundProtocols.of(workload, port),
      bind,
      application: applicationOf(workload, port, bind, listener?.defaultEndpoint ?? null),
      tls: listener?.tls ?? null,
      connectionPool: listener?.connectionPool ?? inboundConnectionPool,
      origins,
    }
  })
}

/** A port that only the Sidecar knows has one number, as in Istio. */
function portOf({ port: { name, number } }: IngressListener): WorkloadPort {
  return { name, number, applicationPort: number, inboundPort: number }
}

/** An endpoint is named by the workload's own numbers: where the application was told to listen elsewhere, it does. */
function applicationOf(
  workload: Workload,
  { inboundPort, applicationPort }: WorkloadPort,
  bind: string,
  endpoint: IngressEndpoint | null,
): InboundPort['application'] {
  if (!endpoint) return { address: workload.applicationAddress, port: applicationPort }
  const declared = workload.ports.find(({ number }) => number === endpoint.port)
  const port = declared?.applicationPort ?? endpoint.port
  if (endpoint.host === 'instance') return notItself({ address: workload.address, port }, bind, inboundPort)
  const address = declared ? workload.applicationAddress : endpoint.address
  return notItself({ address, port }, bind, inboundPort)
}

function notItself(application: { address: string; port: number }, bind: string, inboundPort: number) {
  const isItself =
    application.port === inboundPort && (application.address === bind || bind === '0.0.0.0' || bind === '::')
  return isItself ? null : application
}
