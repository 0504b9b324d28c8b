// Whether the proxy passes for healthy. `/healthcheck/fail` on its admin port has it fail health checks, so that load
// balancers leave it, and send its clients away, each with its next response, before anything stops (Envoy).
export interface ServerHealth {
  readonly failed: boolean
}

/** For whoever is to stay whatever is said (a listener's drain_type MODIFY_ONLY). */
export const ALWAYS_HEALTHY: ServerHealth = { failed: false }
