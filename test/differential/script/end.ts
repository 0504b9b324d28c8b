// One end of a conversation through a proxy: what it says is told by a script, what it hears is kept.

export interface Opening {
  readonly method: string
  readonly path: string
  readonly authority: string
  /** Of an upgrade in HTTP/1.1, of an extended CONNECT in HTTP/2 (RFC 8441). */
  readonly upgrade?: string
  readonly fields?: readonly (readonly [string, string])[]
}

export interface Agreement {
  readonly status: number
  readonly fields?: readonly (readonly [string, string])[]
  /** Nothing follows. */
  readonly last?: boolean
}

export interface End {
  /** One character for each byte; heads are written as the protocol's. */
  readonly heard: string
  /** `open`; `ended`: a FIN, or END_STREAM, has come; `reset`, with the code of HTTP/2; `closed` behind that. */
  readonly state: string
  /** Grows with whatever happens. */
  readonly events: number
  /** Whether there is still somebody to tell. */
  readonly isWritable: boolean
  open(opening: Opening): void
  agree(agreement: Agreement): void
  send(bytes: string): void
  end(): void
  reset(): void
  /** At the end of the script. */
  release(): void
}
