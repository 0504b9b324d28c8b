// What a proxy is asked to carry: one hop in, one hop out, and how many routes lie between.

export interface Hop {
  readonly protocol: 'http1' | 'http2'
  /** `mutual`: the client shows a certificate, too, and each side demands the other's name. */
  readonly tls: 'none' | 'server' | 'mutual'
}

export interface Scenario {
  readonly downstream: Hop
  readonly upstream: Hop
  /** The last one matches. */
  readonly routes: number
}

const PLAIN: Hop = { protocol: 'http1', tls: 'none' }

export const PLAIN_HTTP1: Scenario = { downstream: PLAIN, upstream: PLAIN, routes: 1 }

/** Of route number `index`, from 0 on. */
export function routePrefix(index: number): string {
  return `/route-${index}/`
}

/** What the load asks for: a path below the last route. */
export function pathOf({ routes }: Scenario): string {
  return `${routePrefix(routes - 1)}1kb`
}
