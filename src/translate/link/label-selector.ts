// Which labels a selector asks for, and who carries them.

export type Labels = Readonly<Record<string, string>>

/** All labels of the selector are there; an empty selector selects everything. */
export function selects(selector: Labels, labels: Labels): boolean {
  for (const key in selector) if (labels[key] !== selector[key]) return false
  return true
}

/** Finds what carries given labels without walking everything. */
export class LabelIndex<T> {
  readonly #all: T[] = []
  readonly #byLabel = new Map<string, T[]>()
  readonly #labelsOf: (item: T) => Labels

  constructor(labelsOf: (item: T) => Labels) {
    this.#labelsOf = labelsOf
  }

  add(item: T): void {
    this.#all.push(item)
    for (const [key, value] of Object.entries(this.#labelsOf(item))) {
      const label = `${key}=${value}`
      const list = this.#byLabel.get(label)
      if (list) list.push(item)
      else this.#byLabel.set(label, [item])
    }
  }

  select(selector: Labels): readonly T[] {
    let candidates: readonly T[] = this.#all
    for (const [key, value] of Object.entries(selector)) {
      const carriers = this.#byLabel.get(`${key}=${value}`)
      if (!carriers) return []
      if (carriers.length < candidates.length) candidates = carriers
    }
    return candidates.filter(item => selects(selector, this.#labelsOf(item)))
  }
}
