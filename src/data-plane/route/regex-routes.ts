// Routes by a regular expression over the path: all of a virtual host's in one automaton.
import type { Regex } from '../../automata/regex.ts'
import { RegexSet } from '../../automata/regex-set.ts'
import { type Candidate, CandidateList } from './candidate-list.ts'
import type { RouteQuery } from './route-entry.ts'

export class RegexRoutes {
  readonly #regexes: Regex[] = []
  readonly #bySource = new Map<string, Candidate[]>()
  #set = new RegexSet([])
  #lists: readonly CandidateList[] = []

  add(regex: Regex, candidate: Candidate): void {
    const known = this.#bySource.get(regex.source)
    if (known !== undefined) {
      known.push(candidate)
      return
    }
    this.#regexes.push(regex)
    this.#bySource.set(regex.source, [candidate])
  }

  /** Call once, after the last add. */
  freeze(): void {
    this.#set = new RegexSet(this.#regexes)
    this.#lists = [...this.#bySource.values()].map(candidates => new CandidateList(candidates))
  }

  /** The matching candidate of the lowest index, or `best`. */
  firstMatch(path: string, end: number, query: RouteQuery, best: Candidate | null): Candidate | null {
    let found = best
    for (let part = 0; part < this.#set.parts; part++) {
      const first = this.#set.firstOf(part)
      // Patterns are in the order of their first routes: nothing from here on can come before what was found.
      if (found !== null && found.index < this.#lists[first]!.first) return found
      const matching = this.#set.matching(part, path, end)
      for (let i = 0; i < matching.length; i++) {
        found = this.#lists[first + matching[i]!]!.firstMatch(query, found)
      }
    }
    return found
  }
}
