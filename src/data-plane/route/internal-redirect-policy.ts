// Redirects of a route's endpoints that the proxy follows itself (Envoy's InternalRedirectPolicy).

export type RedirectPredicate =
  /** From one route to another only once. */
  | { readonly kind: 'previous-routes' }
  | { readonly kind: 'allow-listed-routes'; readonly names: ReadonlySet<string> }
  /** Not from http to https. */
  | { readonly kind: 'safe-cross-scheme' }

export interface InternalRedirectPolicy {
  readonly maxRedirects: number
  readonly statuses: ReadonlySet<number>
  readonly predicates: readonly RedirectPredicate[]
  readonly allowsCrossScheme: boolean
  /** Of the redirect, for the request that follows it, in lower case; what the redirect has not is taken away. */
  readonly headersToCopy: readonly string[]
}
