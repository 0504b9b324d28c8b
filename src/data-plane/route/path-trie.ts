// Routes by path: a radix tree of their prefixes and exact paths. One walk along the request's path meets every route whose
// path matcher holds, however many routes there are.
import { type Candidate, CandidateList } from './candidate-list.ts'
import type { RouteQuery } from './route-entry.ts'

/** `separated` is Envoy's path_separated_prefix: the path ends there or goes on with a slash. */
export type PathKind = 'prefix' | 'exact' | 'separated'

export class PathTrie {
  readonly #root = new TrieNode('')

  add(kind: PathKind, path: string, candidate: Candidate): void {
    this.#root.reach(path).waiting[kind].push(candidate)
  }

  /** Call once, after the last add. */
  freeze(): void {
    this.#root.freeze()
  }

  /** The matching candidate of the lowest index, or `best`. `end` is where the path stops and its query begins. */
  firstMatch(path: string, end: number, query: RouteQuery, best: Candidate | null): Candidate | null {
    let node = this.#root
    let at = 0
    let found = best
    for (;;) {
      if (node.prefix !== null) found = node.prefix.firstMatch(query, found)
      if (node.separated !== null && (at === end || path.charCodeAt(at) === 47))
        found = node.separated.firstMatch(query, found)
      if (at === end) return node.exact === null ? found : node.exact.firstMatch(query, found)
      const child = node.children.get(path.charCodeAt(at))
      if (child === undefined || at + child.label.length > end || !path.startsWith(child.label, at)) return found
      at += child.label.length
      node = child
    }
  }
}

class TrieNode {
  label: string
  children = new Map<number, TrieNode>()
  waiting: Readonly<Record<PathKind, Candidate[]>> = { prefix: [], exact: [], separated: [] }
  prefix: CandidateList | null = null
  exact: CandidateList | null = null
  separated: CandidateList | null = null

  constructor(label: string) {
    this.label = label
  }

  /** The node at `path` below this one, made where it is not there. */
  reach(path: string): TrieNode {
    let node: TrieNode = this
    let rest = path
    while (rest !== '') {
      const child = node.children.get(rest.charCodeAt(0))
      if (child === undefined) {
        const leaf = new TrieNode(rest)
        node.children.set(rest.charCodeAt(0), leaf)
        return leaf
      }
      const shared = sharedLength(child.label, rest)
      node = shared === child.label.length ? child : node.#split(child, shared)
      rest = rest.slice(shared)
    }
    return node
  }

  #split(child: TrieNode, length: number): TrieNode {
    const upper = new TrieNode(child.label.slice(0, length))
    this.children.set(child.label.charCodeAt(0), upper)
    child.label = child.label.slice(length)
    upper.children.set(child.label.charCodeAt(0), child)
    return upper
  }

  freeze(): void {
    this.prefix = listOf(this.waiting.prefix)
    this.exact = listOf(this.waiting.exact)
    this.separated = listOf(this.waiting.separated)
    this.waiting = { prefix: [], exact: [], separated: [] }
    const open = [...this.children.values()]
    for (const child of open) child.freeze()
  }
}

function listOf(candidates: readonly Candidate[]): CandidateList | null {
  return candidates.length === 0 ? null : new CandidateList(candidates)
}

function sharedLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && length < b.length && a.charCodeAt(length) === b.charCodeAt(length)) length++
  return length
}
