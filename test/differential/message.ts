// A request or a response as it was on the wire, whatever the protocol: every field in its place, nothing judged.

export type Field = readonly [name: string, value: string]

export interface Message {
  /** `GET / HTTP/1.1` or `HTTP/1.1 200 OK`, as it came; HTTP/2's made from its pseudo-fields. */
  readonly startLine: string
  /** Names in lower case. */
  readonly fields: readonly Field[]
  /** One character for each byte. */
  readonly body: string
  readonly trailers: readonly Field[]
  /** False when the peer went away before the end. */
  readonly complete: boolean
  /** Names, trailers' included, that were not all in lower case; empty in HTTP/2. */
  readonly spelt?: readonly string[]
}

/** All values of a field, joined; empty when there is none. */
export function valueOf(fields: readonly Field[], name: string): string {
  return fields
    .filter(([field]) => field === name)
    .map(([, value]) => value)
    .join(', ')
}
