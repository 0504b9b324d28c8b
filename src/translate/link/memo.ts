// Makes a thing once per key: what several proxies share is one object.

export class Memo {
  readonly #values = new Map<string, unknown>()

  /** `make` must depend on nothing but what `key` tells apart; a key belongs to one type of value. */
  get<T>(key: string, make: () => T): T {
    const known = this.#values.get(key)
    if (known !== undefined || this.#values.has(key)) return known as T
    const value = make()
    this.#values.set(key, value)
    return value
  }
}
