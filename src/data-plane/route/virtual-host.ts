// The routes of one virtual host, indexed so that the first match is found without trying them one by one.
import { getHeader } from '../../transport/header-list.ts'
import { type Candidate, CandidateList } from './candidate-list.ts'
import type { CompiledRoute } from './compile-route.ts'
import { pathEnd } from './path-rewrite.ts'
import { PathTrie } from './path-trie.ts'
import { RegexRoutes } from './regex-routes.ts'
import type { RouteEntry, RouteQuery } from './route-entry.ts'
import { asciiLower } from './string-matcher.ts'

/** Which requests that came without TLS are sent to https instead (VirtualHost.require_tls). */
export type TlsRequirement = 'none' | 'external-only' | 'all'

export class VirtualHost {
  readonly #paths = new PathTrie()
  /** Over paths in lower case; null when every route minds the case. */
  readonly #foldedPaths: PathTrie | null = null
  readonly #regexes: RegexRoutes | null = null
  /** For CONNECT; null without such routes. */
  readonly #connects: CandidateList | null
  readonly #tls: TlsRequirement
  readonly #tlsRedirect: RouteEntry | null

  constructor(routes: readonly CompiledRoute[], tls: TlsRequirement, tlsRedirect: RouteEntry | null) {
    this.#tls = tls
    this.#tlsRedirect = tlsRedirect
    const connects: Candidate[] = []
    for (const [index, { match, criteria, streamCriteria, fraction, entry }] of routes.entries()) {
      const candidate: Candidate = { index, entry, criteria, streamCriteria, fraction }
      if (match.kind === 'connect') connects.push(candidate)
      else if (match.kind === 'regex') {
        this.#regexes ??= new RegexRoutes()
        this.#regexes.add(match.regex, candidate)
      } else if (match.caseSensitive) this.#paths.add(match.kind, match.path, candidate)
      else {
        this.#foldedPaths ??= new PathTrie()
        this.#foldedPaths.add(match.kind, asciiLower(match.path), candidate)
      }
    }
    this.#connects = connects.length === 0 ? null : new CandidateList(connects)
    this.#paths.freeze()
    this.#foldedPaths?.freeze()
    this.#regexes?.freeze()
  }

  match(query: RouteQuery): RouteEntry | null {
    if (this.#tls !== 'none' && this.#wantsTls(query)) return this.#tlsRedirect
    const { path } = query.head
    // CONNECT has no path, and no other route takes a request without (Envoy's supportsPathlessHeaders).
    if (path === '') return this.#connects?.firstMatch(query, null)?.entry ?? null
    const end = pathEnd(path)
    let found = this.#paths.firstMatch(path, end, query, null)
    if (this.#foldedPaths !== null) found = this.#foldedPaths.firstMatch(asciiLower(path), end, query, found)
    if (this.#regexes !== null) found = this.#regexes.firstMatch(path, end, query, found)
    return found === null ? null : found.entry
  }

  #wantsTls(query: RouteQuery): boolean {
    const { head } = query
    if ((getHeader(head.headers, 'x-forwarded-proto') ?? head.scheme) === 'https') return false
    return this.#tls === 'all' || getHeader(head.headers, 'x-envoy-internal') !== 'true'
  }
}
