// What permissions and principals ask: one small object each, put together when config is compiled.
import type { Cidr } from '../../../../base/cidr.ts'
import type { Criterion } from '../../../route/criterion.ts'
import { pathEnd } from '../../../route/path-rewrite.ts'
import type { TextTest } from '../../../route/string-matcher.ts'
import type { FilterStream } from '../contract/http-filter.ts'

export interface Rule {
  matches(stream: FilterStream): boolean
}

export const ANY: Rule = { matches: () => true }

export class AndRule implements Rule {
  readonly #rules: readonly Rule[]

  constructor(rules: readonly Rule[]) {
    this.#rules = rules
  }

  matches(stream: FilterStream): boolean {
    for (let i = 0; i < this.#rules.length; i++) if (!this.#rules[i]!.matches(stream)) return false
    return true
  }
}

export class OrRule implements Rule {
  readonly #rules: readonly Rule[]

  constructor(rules: readonly Rule[]) {
    this.#rules = rules
  }

  matches(stream: FilterStream): boolean {
    for (let i = 0; i < this.#rules.length; i++) if (this.#rules[i]!.matches(stream)) return true
    return false
  }
}

export class NotRule implements Rule {
  readonly #rule: Rule

  constructor(rule: Rule) {
    this.#rule = rule
  }

  matches(stream: FilterStream): boolean {
    return !this.#rule.matches(stream)
  }
}

export class HeaderRule implements Rule {
  readonly #criterion: Criterion

  constructor(criterion: Criterion) {
    this.#criterion = criterion
  }

  matches(stream: FilterStream): boolean {
    return this.#criterion.test(stream.request)
  }
}

/** Over the path without its query. */
export class PathRule implements Rule {
  readonly #test: TextTest

  constructor(test: TextTest) {
    this.#test = test
  }

  matches(stream: FilterStream): boolean {
    const { path } = stream.request
    return this.#test(path.slice(0, pathEnd(path)))
  }
}

/** [start, end) */
export class PortRule implements Rule {
  readonly #start: number
  readonly #end: number

  constructor(start: number, end: number) {
    this.#start = start
    this.#end = end
  }

  matches(stream: FilterStream): boolean {
    const { localPort } = stream.info.connection
    return localPort >= this.#start && localPort < this.#end
  }
}

export class ServerNameRule implements Rule {
  readonly #test: TextTest

  constructor(test: TextTest) {
    this.#test = test
  }

  matches(stream: FilterStream): boolean {
    return this.#test(stream.info.connection.requestedServerName)
  }
}

export type AddressKind = 'destination' | 'direct-remote' | 'remote'

export class AddressRule implements Rule {
  readonly #kind: AddressKind
  readonly #range: Cidr

  constructor(kind: AddressKind, range: Cidr) {
    this.#kind = kind
    this.#range = range
  }

  matches(stream: FilterStream): boolean {
    return this.#range.contains(this.#address(stream))
  }

  #address(stream: FilterStream): string {
    if (this.#kind === 'remote') return stream.remoteIp
    const { connection } = stream.info
    return this.#kind === 'direct-remote' ? connection.remoteIp : withoutPort(connection.localAddress)
  }
}

/** `127.0.0.1:80`, `[::1]:80` */
function withoutPort(address: string): string {
  const end = address.lastIndexOf(':')
  return address.charCodeAt(0) === 91 ? address.slice(1, end - 1) : address.slice(0, end)
}

/** Whoever came over TLS: whether a certificate was needed for that is the listener's business (Envoy). */
export const OVER_TLS: Rule = { matches: stream => stream.info.connection.tls }

/** By the certificate's URI, then its DNS names, then its subject. */
export class PrincipalRule implements Rule {
  readonly #test: TextTest

  constructor(test: TextTest) {
    this.#test = test
  }

  matches(stream: FilterStream): boolean {
    const { tls, peer } = stream.info.connection
    if (!tls) return false
    if (peer === null) return this.#test('')
    if (peer.uriSan !== '' && this.#test(peer.uriSan)) return true
    for (let i = 0; i < peer.dnsSans.length; i++) if (this.#test(peer.dnsSans[i]!)) return true
    return this.#test(peer.subject)
  }
}
