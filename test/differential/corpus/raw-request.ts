// Bytes with a name, and how they make a case.
import type { DifferentialCase } from '../case.ts'
import { PLAIN } from './listeners.ts'

export interface RawRequest {
  readonly name: string
  readonly bytes: string
  /** GET unless set. */
  readonly method?: string
  /** Of several requests in `bytes`. */
  readonly methods?: readonly string[]
  /** The client half-closes behind them. */
  readonly end?: boolean
  /** Each byte a write of its own. */
  readonly split?: boolean
  /** `plain` unless set. */
  readonly listener?: string
}

export function caseOf(raw: RawRequest): DifferentialCase {
  return {
    name: raw.name,
    listener: raw.listener ?? PLAIN,
    http1: {
      writes: raw.split ? [...raw.bytes] : [raw.bytes],
      methods: raw.methods ?? [raw.method ?? 'GET'],
      ...(raw.end ? { end: true } : {}),
    },
  }
}
