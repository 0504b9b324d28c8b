// The proxy that config is made for, read from the xDS node and checked against its certificate.
import type { Locality } from './locality.ts'
import type { Workload } from './workload.ts'

export interface ProxyNode {
  /** `sidecar~127.0.0.1~reviews-v1-0.default~default.svc.cluster.local`, in Istio's form. */
  readonly id: string
  readonly kind: 'sidecar' | 'router'
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly locality: Locality
  /** The registered workload it stands beside, where there is one: its ports become inbound listeners. */
  readonly workload: Workload | null
}
