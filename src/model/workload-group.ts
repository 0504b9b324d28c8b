// Istio's WorkloadGroup: what instances that register themselves have in common, and how it is told that they are well.
import type { WorkloadEntry } from './workload-entry.ts'

export type WorkloadTemplate = Omit<WorkloadEntry, 'address'>

/** HTTP names what says where a message ends or whom it is for; a probe says that itself. */
export const OWN_PROBE_FIELDS: readonly string[] = ['content-length', 'transfer-encoding', 'connection']

export interface WorkloadProbe {
  readonly check:
    | {
        readonly kind: 'http'
        readonly path: string
        readonly port: number
        readonly tls: boolean
        readonly headers: readonly { readonly name: string; readonly value: string }[]
      }
    | { readonly kind: 'tcp'; readonly port: number }
    /** Exit code 0 is well. */
    | { readonly kind: 'exec'; readonly command: readonly string[] }
    /** `service`: empty for the server as a whole. */
    | { readonly kind: 'grpc'; readonly port: number; readonly service: string }
  readonly initialDelayMs: number
  readonly timeoutMs: number
  readonly periodMs: number
  readonly successThreshold: number
  readonly failureThreshold: number
}

export interface WorkloadGroup {
  /** Those of the metadata before those of the template. */
  readonly labels: Readonly<Record<string, string>>
  readonly template: WorkloadTemplate
  readonly probe: WorkloadProbe | null
}
