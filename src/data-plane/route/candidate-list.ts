// Routes that share a path matcher, in their order. A long list is indexed by the header that most of them ask for exactly,
// so that ten thousand routes that differ in one header value cost one look-up and not ten thousand comparisons.
import type { Criterion } from './criterion.ts'
import { hasOneValue, headValue } from './head-value.ts'
import type { RouteEntry, RouteQuery, StreamCriterion } from './route-entry.ts'

export interface Candidate {
  /** Place among the virtual host's routes: the lowest that matches wins. */
  readonly index: number
  readonly entry: RouteEntry
  readonly criteria: readonly Criterion[]
  readonly streamCriteria: readonly StreamCriterion[]
  /** Runtime fraction in 0..1; 1 asks for no draw. */
  readonly fraction: number
}

const INDEX_FROM = 8

export class CandidateList {
  readonly first: number
  readonly #scanned: readonly Candidate[]
  readonly #header: string
  readonly #byValue: ReadonlyMap<string, CandidateList> | null
  /** Those that do not ask for one value of #header. */
  readonly #rest: CandidateList | null

  /** `indexed` names the headers by which the lists above are indexed already. */
  constructor(candidates: readonly Candidate[], indexed: readonly string[] = []) {
    this.first = candidates[0]?.index ?? Number.POSITIVE_INFINITY
    const header = candidates.length < INDEX_FROM ? null : mostAskedHeader(candidates, indexed)
    if (header === null) {
      this.#scanned = candidates
      this.#header = ''
      this.#byValue = null
      this.#rest = null
      return
    }
    const groups = new Map<string, Candidate[]>()
    const rest: Candidate[] = []
    for (const candidate of candidates) {
      const value = askedValue(candidate, header)
      if (value === null) rest.push(candidate)
      else if (groups.has(value)) groups.get(value)!.push(candidate)
      else groups.set(value, [candidate])
    }
    const used = [...indexed, header]
    this.#scanned = []
    this.#header = header
    this.#byValue = new Map([...groups].map(([value, group]) => [value, new CandidateList(group, used)]))
    this.#rest = rest.length === 0 ? null : new CandidateList(rest, used)
  }

  /** The matching candidate with the lowest index below that of `best`, else `best`. */
  firstMatch(query: RouteQuery, best: Candidate | null): Candidate | null {
    if (best !== null && best.index < this.first) return best
    if (this.#byValue === null) return this.#scan(query, best)
    const found = this.#firstByHeader(this.#byValue, query, best)
    return this.#rest === null ? found : this.#rest.firstMatch(query, found)
  }

  #firstByHeader(
    byValue: ReadonlyMap<string, CandidateList>,
    query: RouteQuery,
    best: Candidate | null,
  ): Candidate | null {
    const header = this.#header
    const { head } = query
    if (hasOneValue(header)) return firstOf(byValue.get(headValue(head, header) ?? ''), query, best)
    let found = best
    for (let i = 0; i < head.headers.length; i += 2) {
      if (head.headers[i] === header) found = firstOf(byValue.get(head.headers[i + 1]!), query, found)
    }
    return found
  }

  #scan(query: RouteQuery, best: Candidate | null): Candidate | null {
    for (let i = 0; i < this.#scanned.length; i++) {
      const candidate = this.#scanned[i]!
      if (best !== null && candidate.index > best.index) return best
      if (matches(candidate, query)) return candidate
    }
    return best
  }
}

function firstOf(group: CandidateList | undefined, query: RouteQuery, best: Candidate | null): Candidate | null {
  return group === undefined ? best : group.firstMatch(query, best)
}

function matches(candidate: Candidate, query: RouteQuery): boolean {
  if (candidate.fraction < 1 && query.random() >= candidate.fraction) return false
  const { criteria, streamCriteria } = candidate
  for (let i = 0; i < criteria.length; i++) if (!criteria[i]!.test(query.head)) return false
  for (let i = 0; i < streamCriteria.length; i++) if (!streamCriteria[i]!.test(query.info)) return false
  return true
}

function askedValue(candidate: Candidate, header: string): string | null {
  for (const { indexed } of candidate.criteria) if (indexed?.header === header) return indexed.value
  return null
}

/** Null when no header is asked for by enough of them to be worth it. */
function mostAskedHeader(candidates: readonly Candidate[], indexed: readonly string[]): string | null {
  const values = new Map<string, Set<string>>()
  for (const { criteria } of candidates) {
    for (const criterion of criteria) {
      const asked = criterion.indexed
      if (asked === null || indexed.includes(asked.header)) continue
      const known = values.get(asked.header)
      if (known) known.add(asked.value)
      else values.set(asked.header, new Set([asked.value]))
    }
  }
  let best: string | null = null
  let most = INDEX_FROM / 2 - 1
  for (const [header, { size }] of values) {
    if (size <= most) continue
    best = header
    most = size
  }
  return best
}
