// Virtual hosts by domain, in Envoy's order: exact, longest `*suffix`, longest `prefix*`, `*`; ASCII case does not count.
import { asciiLower } from './string-matcher.ts'

/** Wildcards of one length: tried longest first. */
interface Wildcards<T> {
  readonly length: number
  readonly values: Map<string, T>
}

export class DomainMap<T> {
  readonly #exact = new Map<string, T>()
  readonly #suffixes: Wildcards<T>[] = []
  readonly #prefixes: Wildcards<T>[] = []
  readonly #ignorePort: boolean
  #any: T | null = null

  /** `ignorePort` drops the authority's port before the look-up; the domains then carry none. */
  constructor(ignorePort: boolean) {
    this.#ignorePort = ignorePort
  }

  /** False when the domain is taken. */
  add(domain: string, value: T): boolean {
    const lower = asciiLower(domain)
    if (lower === '*') {
      if (this.#any !== null) return false
      this.#any = value
      return true
    }
    const target = lower.startsWith('*')
      ? valuesOf(this.#suffixes, lower.length - 1)
      : lower.endsWith('*')
        ? valuesOf(this.#prefixes, lower.length - 1)
        : this.#exact
    const key = lower.startsWith('*') ? lower.slice(1) : lower.endsWith('*') ? lower.slice(0, -1) : lower
    if (target.has(key)) return false
    target.set(key, value)
    return true
  }

  find(authority: string): T | null {
    const host = asciiLower(this.#ignorePort ? withoutPort(authority) : authority)
    const exact = this.#exact.get(host)
    if (exact !== undefined) return exact
    for (let i = 0; i < this.#suffixes.length; i++) {
      const { length, values } = this.#suffixes[i]!
      // The star stands for one character at least.
      if (length >= host.length) continue
      const found = values.get(host.slice(host.length - length))
      if (found !== undefined) return found
    }
    for (let i = 0; i < this.#prefixes.length; i++) {
      const { length, values } = this.#prefixes[i]!
      if (length >= host.length) continue
      const found = values.get(host.slice(0, length))
      if (found !== undefined) return found
    }
    return this.#any
  }
}

function valuesOf<T>(wildcards: Wildcards<T>[], length: number): Map<string, T> {
  let at = 0
  while (at < wildcards.length && wildcards[at]!.length > length) at++
  const here = wildcards[at]
  if (here?.length === length) return here.values
  const made: Wildcards<T> = { length, values: new Map() }
  wildcards.splice(at, 0, made)
  return made.values
}

/** `[::1]:80` and `a:80` lose their port, `[::1]` and `a` have none to lose. */
export function withoutPort(authority: string): string {
  const colon = portColon(authority)
  return colon < 0 ? authority : authority.slice(0, colon)
}

/** Index of the colon before the port, or -1. */
export function portColon(authority: string): number {
  const colon = authority.lastIndexOf(':')
  if (colon < 0) return -1
  if (authority.charCodeAt(0) === 91) return colon > 0 && authority.charCodeAt(colon - 1) === 93 ? colon : -1
  // A bare IPv6 address is all colons and no port.
  return authority.indexOf(':') === colon ? colon : -1
}
