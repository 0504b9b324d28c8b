// How an instance wants its application checked.
export interface HealthCheckConfig {
  /** GET of `path`; 2xx and 3xx are healthy. `port`: the workload's own port number; absent: its first. */
  readonly http?: { readonly path: string; readonly port?: number }
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

export const DEFAULT_HEALTH_CHECK = {
  intervalMs: 1000,
  timeoutMs: 1000,
  healthyThreshold: 1,
  unhealthyThreshold: 2,
} as const
