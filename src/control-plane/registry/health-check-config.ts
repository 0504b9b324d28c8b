// How an instance wants its application checked.
export interface HealthCheckConfig {
  /** GET of `path`; 2xx and 3xx are healthy. `port`: the workload's own port number; absent: its first. */
  readonly http?: HttpHealthCheck
  /** A connection that opens is healthy. */
  readonly tcp?: { readonly port?: number }
  /** gRPC's health service says SERVING, of `service` or, without one, of the server as a whole. */
  readonly grpc?: { readonly service?: string; readonly port?: number }
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Successes in a row after which an unhealthy instance is healthy. */
  readonly healthyThreshold: number
  /** Failures in a row after which a healthy instance is not. */
  readonly unhealthyThreshold: number
}

export interface HttpHealthCheck {
  readonly path: string
  readonly port?: number
  /** Over TLS, whose certificate nobody checks: it is the application's own affair, as for kubelet. */
  readonly tls?: boolean
  /** Lower-case names; `host` stands for the address. */
  readonly headers?: readonly { readonly name: string; readonly value: string }[]
}

export const DEFAULT_HEALTH_CHECK = {
  intervalMs: 1000,
  timeoutMs: 1000,
  healthyThreshold: 1,
  unhealthyThreshold: 2,
} as const
