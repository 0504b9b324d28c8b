// VirtualService http[].mirrors[]: who gets copies of a rule's requests, and whose answers nobody waits for.
import type { SourcePosition } from '../base/problem.ts'
import type { Destination } from './destination.ts'

export interface HttpMirror {
  readonly destination: Destination
  /** Of 100; absent: all requests. */
  readonly percentage?: number
  readonly position: SourcePosition
}

/** Weft's own: how the answers of mirrors are compared with the client's. */
export interface MirrorComparison {
  /** Lower case; null: all but those that differ from answer to answer, and `ignoredHeaders`. */
  readonly headers: readonly string[] | null
  readonly ignoredHeaders: readonly string[]
  /** Bodies that are longer are not compared; 0: none are. */
  readonly maxBodyBytes: number
}
