// What the launcher is to run, as weft.yaml or the command line of `weft run` says it.
import type { ExecCheckSpec } from './exec-check.ts'

export interface HealthCheckSpec {
  readonly http?: {
    readonly path: string
    readonly port?: number
    readonly tls?: boolean
    readonly headers?: readonly { readonly name: string; readonly value: string }[]
  }
  readonly tcp?: { readonly port?: number }
  readonly grpc?: { readonly service?: string; readonly port?: number }
  readonly intervalMs?: number
  readonly timeoutMs?: number
  readonly healthyThreshold?: number
  readonly unhealthyThreshold?: number
}

export interface PortSpec {
  readonly name: string
  readonly number: number
}

/** One workload: several of the same spec are its replicas, and differ in their name alone. */
export interface WorkloadSpec {
  readonly name: string
  readonly namespace: string
  /** The WorkloadGroup that it is an instance of. */
  readonly group?: string
  /** Empty: of none by name. */
  readonly service: string
  readonly version: string
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAccount: string
  /** Program and arguments; never through a shell unless it names one. */
  readonly command: readonly string[]
  /** Absolute. */
  readonly workingDirectory: string
  readonly env: Readonly<Record<string, string>>
  readonly ports: readonly PortSpec[]
  readonly healthCheck: HealthCheckSpec
  /** Asked here besides, where the registry cannot. */
  readonly execCheck?: ExecCheckSpec
  /** How long a started application is left alone. */
  readonly startDelayMs?: number
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string }
  readonly weight: number
  /** Its sidecar has a port for HBONE. */
  readonly hbone: boolean
  readonly proxy: 'weft' | 'envoy'
}

export interface GatewaySpec {
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAccount: string
  /** The port that Gateways ask for, and the one served unless --gateway-port says otherwise. */
  readonly port: number
  /** Path that answers once the application is there; empty: none is asked. */
  readonly readyPath: string
  readonly proxy: 'weft' | 'envoy'
}
