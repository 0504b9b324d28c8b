// A map that forgets what was used longest ago. The order is a list through the entries: a Map's own order would cost a
// deletion for each use, and a walk over what was deleted for each that is forgotten.

interface Entry<V> {
  readonly key: string
  value: V
  older: Entry<V> | null
  newer: Entry<V> | null
}

export class LruMap<V> {
  readonly #capacity: number
  readonly #entries = new Map<string, Entry<V>>()
  #oldest: Entry<V> | null = null
  #newest: Entry<V> | null = null

  /** At least 1. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  /** A use. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry !== this.#newest) {
      this.#unlink(entry)
      this.#append(entry)
    }
    return entry.value
  }

  /** A use, too. Where there is no room, what was used longest ago goes: it is returned. */
  set(key: string, value: V): V | undefined {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      known.value = value
      this.get(key)
      return undefined
    }
    const gone = this.#entries.size >= this.#capacity ? this.#oldest : null
    if (gone !== null) {
      this.#unlink(gone)
      this.#entries.delete(gone.key)
    }
    const entry: Entry<V> = { key, value, older: null, newer: null }
    this.#entries.set(key, entry)
    this.#append(entry)
    return gone?.value
  }

  clear(): void {
    this.#entries.clear()
    this.#oldest = null
    this.#newest = null
  }

  #unlink(entry: Entry<V>): void {
    const { older, newer } = entry
    if (older === null) this.#oldest = newer
    else older.newer = newer
    if (newer === null) this.#newest = older
    else newer.older = older
  }

  #append(entry: Entry<V>): void {
    entry.older = this.#newest
    entry.newer = null
    if (this.#newest === null) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }
}
