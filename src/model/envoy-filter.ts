// The part of Istio's EnvoyFilter that Weft honours: rate limits, put where Istio's documentation puts them.

/** protobuf's JSON of one of Envoy's messages, checked when it was read. */
export type EnvoyMessage = { readonly [field: string]: EnvoyValue }
export type EnvoyValue = string | number | boolean | null | readonly EnvoyValue[] | EnvoyMessage

export type PatchContext = 'GATEWAY' | 'SIDECAR_INBOUND'

/** An HTTP filter for the connection managers of a workload. */
export interface HttpFilterPatch {
  readonly kind: 'http-filter'
  readonly context: PatchContext
  /** 0: any. */
  readonly port: number
  /** Before the router; else before all others. */
  readonly beforeRouter: boolean
  readonly filter: EnvoyMessage
}

/** What is merged into virtual hosts, or into their routes. Empty names match any. */
export interface RoutePatch {
  readonly kind: 'virtual-host' | 'route'
  readonly context: PatchContext
  readonly port: number
  readonly configuration: string
  readonly virtualHost: string
  readonly route: string
  readonly action: 'ANY' | 'ROUTE' | 'REDIRECT' | 'DIRECT_RESPONSE'
  /** envoy.config.route.v3.RateLimit */
  readonly rateLimits: readonly EnvoyMessage[]
  /** typed_per_filter_config */
  readonly perFilter: EnvoyMessage
}

export interface EnvoyFilter {
  /** Null: every workload of the namespace, or of the mesh in the root namespace. */
  readonly selector: Readonly<Record<string, string>> | null
  readonly patches: readonly (HttpFilterPatch | RoutePatch)[]
}
