// VirtualService http[].retries, and MeshConfig.defaultHttpRetryPolicy.

export interface HttpRetry {
  /** 0: no retries. */
  readonly attempts: number
  /** Absent: the route's timeout bounds each try. */
  readonly perTryTimeoutMs?: number
  /** As written; empty: Istio's default conditions. Integers in it are status codes. */
  readonly retryOn: string
  /** Skip endpoints that this request has tried; true unless set. */
  readonly ignorePreviousHosts: boolean
  /** After two tries in a locality go on to those that are further away. */
  readonly remoteLocalities?: boolean
  /** Base of the exponential backoff; absent: 25 ms. */
  readonly backoffMs?: number
  /** A try that runs into perTryTimeout goes on, and another is sent beside it. */
  readonly hedgesOnPerTryTimeout?: boolean
}
