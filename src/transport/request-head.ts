import type { HeaderList } from './header-list.ts'

/** A request's start, the same for every protocol version. Authority and scheme are not in `headers`. */
export interface RequestHead {
  method: string
  /** Path and query, origin form: `/a?b=c`, or `*`. */
  path: string
  /** As sent, port included; empty when HTTP/1.0 sent none. */
  authority: string
  scheme: string
  headers: HeaderList
}

export interface ResponseHead {
  status: number
  headers: HeaderList
}
