// DestinationRule.trafficPolicy.loadBalancer: how the endpoints of a cluster share its load.

export type SimpleLoadBalancer = 'ROUND_ROBIN' | 'RANDOM' | 'LEAST_REQUEST' | 'PASSTHROUGH'

export interface LoadBalancerSettings {
  /** LEAST_REQUEST stands for UNSPECIFIED and LEAST_CONN too, as in Istio. Of no account beside `consistentHash`. */
  readonly simple: SimpleLoadBalancer
  readonly consistentHash?: ConsistentHash
  readonly warmup?: Warmup
  /** In place of the mesh's, as a whole. */
  readonly locality?: LocalityLoadBalancing
  /** The same; never beside `locality`. */
  readonly zoneAware?: ZoneAwareLoadBalancing
}

export interface ConsistentHash {
  /** Null: nothing of a request is hashed, and endpoints are drawn. */
  readonly key: HashKey | null
  readonly algorithm: HashAlgorithm
}

export type HashKey =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'query-parameter'; readonly name: string }
  | { readonly kind: 'source-ip' }
  | {
      readonly kind: 'cookie'
      readonly name: string
      readonly path: string
      /** 0: for the client's session; undefined: no cookie is ever made. */
      readonly ttlMs?: number
      readonly attributes: readonly { readonly name: string; readonly value: string }[]
    }

/** A size that is left out is Envoy's default. */
export type HashAlgorithm =
  | { readonly kind: 'ring-hash'; readonly minimumRingSize?: number }
  | { readonly kind: 'maglev'; readonly tableSize: number }

/** A new endpoint's share grows over `durationMs`. */
export interface Warmup {
  readonly durationMs: number
  readonly minimumPercent: number
  readonly aggression: number
}

export interface LocalityLoadBalancing {
  /** Undefined: yes. */
  readonly enabled?: boolean
  readonly distribute: readonly LocalityDistribution[]
  readonly failover: readonly { readonly from: string; readonly to: string }[]
  /** Labels, each perhaps with `=value`: the more of them an endpoint shares with its client, the sooner it is used. */
  readonly failoverPriority: readonly string[]
}

/** Endpoints of the client's own zone first, as far as they can bear its zone's share of the load. */
export interface ZoneAwareLoadBalancing {
  /** Undefined: yes. */
  readonly enabled?: boolean
  readonly failover: LocalityLoadBalancing['failover']
  readonly failoverPriority: readonly string[]
  /** Of fewer endpoints in the client's region, zones take no account. */
  readonly minClusterSize: number
}

/** Localities are `region/zone/subzone`, `*` for the rest. */
export interface LocalityDistribution {
  readonly from: string
  /** Percents, together 100. */
  readonly to: readonly { readonly locality: string; readonly percent: number }[]
}
