// Istio's StringMatch. Regexes are RE2 and match the whole string.

export type StringMatch =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'prefix'; readonly value: string }
  | { readonly kind: 'regex'; readonly value: string }
  /** `{}` of a header or a query parameter: that it is there. */
  | { readonly kind: 'present' }
