// The limits of a process that has several event loops: each loop counts in the same slots.
import { hash } from 'node:crypto'
import type { Log } from '../../base/log.ts'
import { NO_SLOT, type SharedSlots } from '../../base/shared-slots.ts'
import type { Gauge } from '../stats/stats-scope.ts'
import { LoopCell, LoopResource } from './loop-limits.ts'
import type { Cell, ProcessLimits, Resource } from './process-limits.ts'

class SharedResource implements Resource {
  readonly #slots: SharedSlots
  readonly #slot: number
  readonly #gauge: Gauge

  constructor(slots: SharedSlots, slot: number, gauge: Gauge) {
    this.#slots = slots
    this.#slot = slot
    this.#gauge = gauge
  }

  get count(): number {
    return this.#slots.count(this.#slot)
  }

  claim(max: number): boolean {
    if (!this.#slots.claim(this.#slot, max)) return false
    this.#gauge.value++
    return true
  }

  add(): void {
    this.#slots.add(this.#slot, 1)
    this.#gauge.value++
  }

  release(): void {
    this.#slots.add(this.#slot, -1)
    this.#gauge.value--
  }
}

class SharedCell implements Cell {
  readonly #slots: SharedSlots
  #slot: number
  /** Once the slot is another's. */
  #last = 0

  constructor(slots: SharedSlots, slot: number) {
    this.#slots = slots
    this.#slot = slot
  }

  get value(): number {
    return this.#slot === NO_SLOT ? this.#last : this.#slots.state(this.#slot)
  }

  replace(expected: number, next: number): boolean {
    if (this.#slot !== NO_SLOT) return this.#slots.replaceState(this.#slot, expected, next)
    this.#last = next
    return true
  }

  release(): void {
    if (this.#slot === NO_SLOT) return
    this.#last = this.value
    this.#slots.closeNow(this, this.#slot)
    this.#slot = NO_SLOT
  }
}

/** Of one loop. A limit for which there is no slot is counted per loop, and the log says so, once. */
export function sharedLimits(slots: SharedSlots, log: Log): ProcessLimits {
  let isTold = false
  const onFull = (): void => {
    if (!isTold) log.warn('there are more limits than can be counted for all event loops: some are counted per loop')
    isTold = true
  }
  return new SharedLimits(slots, onFull, () => '')
}

class SharedLimits implements ProcessLimits {
  readonly #slots: SharedSlots
  readonly #onFull: () => void
  readonly #placeOf: () => string
  /** Made when it is first asked for: most config has no limits. */
  #place: string | null = null
  #parts = 0

  constructor(slots: SharedSlots, onFull: () => void, placeOf: () => string) {
    this.#slots = slots
    this.#onFull = onFull
    this.#placeOf = placeOf
  }

  resource(name: string, gauge: Gauge): Resource {
    const slot = this.#open(`resource ${name}`, 0)
    if (slot === NO_SLOT) return new LoopResource(gauge)
    const resource = new SharedResource(this.#slots, slot, gauge)
    this.#slots.closeWith(resource, slot)
    return resource
  }

  cell(name: string, initial: number): Cell {
    const slot = this.#open(`cell ${this.#where()}${name}`, initial)
    if (slot === NO_SLOT) return new LoopCell(initial)
    const cell = new SharedCell(this.#slots, slot)
    this.#slots.closeWith(cell, slot)
    return cell
  }

  within(text: () => string): ProcessLimits {
    return this.#at(() => `${hash('sha256', text(), 'base64')} `)
  }

  part(): ProcessLimits {
    const number = ++this.#parts
    return this.#at(() => `${number} `)
  }

  #at(placeOf: () => string): SharedLimits {
    return new SharedLimits(this.#slots, this.#onFull, () => this.#where() + placeOf())
  }

  /** Kept, as all places within it begin with it: each route's limits with the text of all routes. */
  #where(): string {
    this.#place ??= this.#placeOf()
    return this.#place
  }

  #open(name: string, state: number): number {
    const slot = this.#slots.open(name, state)
    if (slot === NO_SLOT) this.#onFull()
    return slot
  }
}
