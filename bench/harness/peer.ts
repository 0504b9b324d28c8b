// The programs that a benchmark needs, from wherever scripts/peers.ts finds them.
import { findPeer, peerNamed } from '../../scripts/peers.ts'

export function missingPeer(binary: string): string | undefined {
  const { name, variable } = peerNamed(binary)
  if (findPeer(peerNamed(binary), false) !== undefined) return undefined
  return `${name} is not here (\`npm run test:system\` installs it, or set ${variable} to its path)`
}

/** Throws when it is not there: for what a benchmark cannot do without. */
export function peer(binary: string): string {
  const path = findPeer(peerNamed(binary), false)
  if (path === undefined) throw new Error(missingPeer(binary))
  return path
}
