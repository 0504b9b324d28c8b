// VirtualService http[]: the blocks of which one matches, and what is done then.
import type { SourcePosition } from '../base/problem.ts'
import type { CorsPolicy } from './cors-policy.ts'
import type { RouteDestination } from './destination.ts'
import type { Headers } from './header-operations.ts'
import type { HttpFallback } from './http-fallback.ts'
import type { HttpFault } from './http-fault.ts'
import type { HttpMatch } from './http-match.ts'
import type { HttpMirror, MirrorComparison } from './http-mirror.ts'
import type { HttpRetry } from './http-retry.ts'

export interface HttpRedirect {
  /** Whole new path; absent: stays. */
  readonly uri?: string
  /** In the place of the prefix that matched; not beside uri. */
  readonly prefixRewrite?: string
  readonly authority?: string
  readonly scheme?: string
  readonly port?: number
  readonly derivePort?: 'FROM_PROTOCOL_DEFAULT' | 'FROM_REQUEST_PORT'
  readonly code: 301 | 302 | 303 | 307 | 308
}

export interface HttpRewrite {
  /** Replaces the matched prefix, or the whole path after an exact or regex match. */
  readonly uri?: string
  readonly authority?: string
  /** RE2 and its substitution (`\1`), applied to the path. */
  readonly uriRegex?: { readonly match: string; readonly rewrite: string }
}

export interface HttpDirectResponse {
  readonly status: number
  readonly body: Uint8Array
}

/** A VirtualService without hosts, whose rules stand in the place of the one that delegates to it. */
export interface Delegate {
  readonly name: string
  /** Empty: the root's. */
  readonly namespace: string
}

export type HttpRouteAction =
  | { readonly kind: 'route'; readonly destinations: readonly RouteDestination[] }
  | { readonly kind: 'redirect'; readonly redirect: HttpRedirect }
  | { readonly kind: 'direct-response'; readonly response: HttpDirectResponse }

export interface HttpRoute {
  readonly name: string
  /** Empty: matches everything. */
  readonly matches: readonly HttpMatch[]
  /** Without meaning where the rule delegates and answers nothing itself. */
  readonly action: HttpRouteAction
  readonly delegate?: Delegate
  readonly rewrite: HttpRewrite | null
  readonly headers: Headers
  /** Absent: none. */
  readonly timeoutMs?: number
  /** Absent: the mesh's default policy. */
  readonly retries?: HttpRetry
  readonly fault?: HttpFault
  readonly corsPolicy?: CorsPolicy
  readonly mirrors?: readonly HttpMirror[]
  /** The older form of one, whose percentage stands beside it. */
  readonly mirror?: Omit<HttpMirror, 'percentage'>
  readonly mirrorPercentage?: number
  /** Older still; counts where mirrorPercentage is absent. */
  readonly mirrorPercent?: number
  /** Absent: what mirrors answer is not looked at. */
  readonly mirrorComparison?: MirrorComparison
  /** Absent: a failure is what the client gets. */
  readonly fallback?: HttpFallback
  readonly position: SourcePosition
}
