// Weft's own: who answers when a rule's destination is down or too slow.
import type { Destination } from './destination.ts'

export type HttpFallback =
  | { readonly kind: 'destination'; readonly destination: Destination }
  | { readonly kind: 'answer'; readonly status: number; readonly body: Uint8Array; readonly contentType: string }
