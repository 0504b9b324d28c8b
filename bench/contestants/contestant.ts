import type { Child } from '../child.ts'

/** A proxy to be measured: everything that a mesh needs switched on, forwarding to one upstream. */
export interface Contestant {
  readonly name: string
  /** Why it cannot take part here, or undefined. */
  missing(): string | undefined
  /** Starts it in `directory`, listening on `port`, forwarding to `upstreamPort` on loopback. */
  start(directory: string, port: number, upstreamPort: number): Child
}
