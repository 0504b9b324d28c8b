// A conversation of which both ends are told what to do: for bytes, TLS that is not ended here, and tunnels.
import type { TlsDialogue } from '../talk.ts'
import type { Agreement, Opening } from './end.ts'

type Who = 'client' | 'upstream'

/** The next one waits until what this one does has arrived, or cannot. */
export type Step =
  | { readonly by: 'client'; readonly open: Opening }
  | { readonly by: 'upstream'; readonly agree: Agreement }
  | { readonly by: Who; readonly send: string }
  | { readonly by: Who; readonly does: 'end' | 'reset' }
  /** Until the client's connection is closed. */
  | { readonly by: 'client'; readonly does: 'wait' }

export interface ScriptDialogue {
  readonly protocol: 'script'
  /** What the client speaks. */
  readonly client: 'bytes' | 'http2'
  /** In front of everything, TLS included: a PROXY header. */
  readonly preface?: string
  readonly tls?: TlsDialogue
  readonly steps: readonly Step[]
}
