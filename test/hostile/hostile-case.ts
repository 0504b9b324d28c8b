// What a hostile peer sends to a proxy, and what comes of it: data for the tests beside it and for
// docs/hostile-traffic.md.

export interface HostileCase {
  readonly name: string
  readonly send: string | Buffer
  readonly gets: string
  readonly upstreamSees: string
}

export interface HostileClass {
  readonly title: string
  readonly why: string
  readonly cases: readonly HostileCase[]
}
