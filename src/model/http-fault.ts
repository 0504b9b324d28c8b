// VirtualService http[].fault: what the caller's proxy does to requests on purpose, before they are sent.

/** Percentages are of 100; absent from Istio's YAML they are 0. */
export interface HttpFault {
  readonly delay?: { readonly fixedMs: number; readonly percentage: number }
  readonly abort?: HttpAbort & { readonly percentage: number }
}

export type HttpAbort =
  | { readonly kind: 'http'; readonly status: number }
  /** The status by its number. */
  | { readonly kind: 'grpc'; readonly status: number }
