// What weft.yaml says of a workload or a gateway, in the registry's terms: all on loopback, behind a proxy.
import { NO_LOCALITY } from '../../model/locality.ts'
import type { Workload, WorkloadPort, WorkloadProxy } from '../../model/workload.ts'
import type { GatewaySpec, WorkloadSpec } from './workload-spec.ts'

export type DescribedWorkload = Omit<Workload, 'healthy'>

const LOOPBACK = '127.0.0.1'
const PLACE = { address: LOOPBACK, applicationAddress: LOOPBACK, tlsMode: 'istio' } as const

type ProxyPorts = Omit<WorkloadProxy, 'kind' | 'bindAddress'>

/** `portOf` says where a port of the workload is really served. */
export function describedSidecar(
  spec: WorkloadSpec,
  portOf: (number: number) => Pick<WorkloadPort, 'applicationPort' | 'inboundPort'>,
  proxyPorts: ProxyPorts,
): DescribedWorkload {
  const { name, namespace, service, version, description, labels, serviceAccount, locality, weight } = spec
  return {
    ...PLACE,
    ...{ name, namespace, service, version, description, labels, serviceAccount, locality, weight },
    ...(spec.group === undefined ? {} : { group: spec.group }),
    ports: spec.ports.map(port => ({ name: port.name, number: port.number, ...portOf(port.number) })),
    proxy: { kind: 'sidecar', bindAddress: LOOPBACK, ...proxyPorts },
  }
}

export function describedGateway(spec: GatewaySpec, proxyPorts: ProxyPorts): DescribedWorkload {
  const { name, namespace, labels, serviceAccount } = spec
  return {
    ...PLACE,
    ...{ name, namespace, labels, serviceAccount },
    ...{ service: '', version: '', description: 'gateway', ports: [], locality: NO_LOCALITY, weight: 1 },
    proxy: { kind: 'router', bindAddress: LOOPBACK, ...proxyPorts },
  }
}
