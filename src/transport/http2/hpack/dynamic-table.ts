// The decoder's dynamic table (RFC 7541 2.3.2) as a ring: the newest entry is the first.
import type { TableEntry } from './table-entry.ts'

const FIRST_SLOTS = 32

export class DynamicTable {
  #slots: (TableEntry | undefined)[] = new Array(FIRST_SLOTS)
  #mask = FIRST_SLOTS - 1
  /** Entries ever inserted; the newest lies in the slot before. */
  #inserted = 0
  #count = 0
  #size = 0
  #maxSize: number

  constructor(maxSize: number) {
    this.#maxSize = maxSize
  }

  get count(): number {
    return this.#count
  }

  get size(): number {
    return this.#size
  }

  get maxSize(): number {
    return this.#maxSize
  }

  /** `index` counts from 0, the newest. */
  get(index: number): TableEntry | undefined {
    return index < this.#count ? this.#slots[(this.#inserted - 1 - index) & this.#mask] : undefined
  }

  /** RFC 7541 4.3. */
  resize(maxSize: number): void {
    this.#maxSize = maxSize
    this.#evict(maxSize)
  }

  /** RFC 7541 4.4: an entry larger than the table empties it, and is no error. */
  insert(entry: TableEntry): void {
    if (entry.size > this.#maxSize) {
      this.#evict(0)
      return
    }
    this.#evict(this.#maxSize - entry.size)
    if (this.#count > this.#mask) this.#grow()
    this.#slots[this.#inserted & this.#mask] = entry
    this.#inserted = (this.#inserted + 1) & 0x3fff_ffff
    this.#count++
    this.#size += entry.size
  }

  #evict(down: number): void {
    while (this.#size > down) {
      const slot = (this.#inserted - this.#count) & this.#mask
      this.#size -= this.#slots[slot]!.size
      this.#slots[slot] = undefined
      this.#count--
    }
  }

  #grow(): void {
    const slots: (TableEntry | undefined)[] = new Array((this.#mask + 1) * 2)
    const mask = slots.length - 1
    for (let i = 0; i < this.#count; i++) {
      const at = this.#inserted - 1 - i
      slots[at & mask] = this.#slots[at & this.#mask]
    }
    this.#slots = slots
    this.#mask = mask
  }
}
