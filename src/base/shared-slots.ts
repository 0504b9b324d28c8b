// Numbers that the threads of a process have in common, in slots that are found by name: each slot has a count, to which
// every thread adds a share of its own, and a state, which is replaced by compare and exchange.
import { hash } from 'node:crypto'

/** Words of the memory, before the heads of the buckets. */
const LOCK = 0
const USED = 1
const FREE = 2
const OPEN = 3
const THREADS = 4
const CAPACITY = 5
const HEADER = 8

/** Words of a slot: a hash of its name, the next slot of its bucket or of the free ones, its count and its state. */
const KEY = 0
const KEY_WORDS = 4
const NEXT = 4
const COUNT = 5
const STATE = 6
/** Then two for each thread: how often the thread has opened it, and the thread's share of the count. */
const OF_THREAD = 8

/** Nobody holds the lock for longer than it takes to walk a bucket. */
const LOCK_WAIT_MS = 1
/** After so many waits for one that does not let go it is taken to be dead: a second. */
const MAX_LOCK_WAITS = 1000

/** No slot: a name for which there is no room. */
export const NO_SLOT = 0

const FLOAT = new Float64Array(1)
const BITS = new BigInt64Array(FLOAT.buffer)

export class SharedSlots {
  readonly #words: Int32Array
  readonly #states: BigInt64Array
  readonly #thread: number
  readonly #threads: number
  readonly #capacity: number
  /** From a slot's first word to the thread's own two. */
  readonly #references: number
  readonly #share: number
  readonly #unused: FinalizationRegistry<number>

  /** For threads 0 to `threads` - 1. Memory that no slot was ever in is not resident. */
  static allocate(threads: number, capacity: number): SharedArrayBuffer {
    const words = HEADER + even(capacity) + capacity * wordsOf(threads)
    const memory = new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT)
    const header = new Int32Array(memory, 0, HEADER)
    header[THREADS] = threads
    header[CAPACITY] = capacity
    return memory
  }

  constructor(memory: SharedArrayBuffer, thread: number) {
    this.#words = new Int32Array(memory)
    this.#states = new BigInt64Array(memory)
    this.#thread = thread
    this.#threads = this.#words[THREADS]!
    this.#capacity = this.#words[CAPACITY]!
    this.#references = OF_THREAD + 2 * thread
    this.#share = this.#references + 1
    this.#unused = new FinalizationRegistry(slot => this.close(slot))
  }

  /** The slot of that name, made with that state where there is none; NO_SLOT where there is no room for it. */
  open(name: string, state = 0): number {
    const words = this.#words
    const key = keyOf(name)
    const head = HEADER + ((key[0]! >>> 0) % this.#capacity)
    this.#lock()
    let slot = words[head]!
    while (slot !== NO_SLOT && !this.#hasKey(slot, key)) slot = words[slot + NEXT]!
    if (slot === NO_SLOT) slot = this.#make(head, key, state)
    if (slot !== NO_SLOT) words[slot + this.#references]!++
    this.#unlock()
    return slot
  }

  /** As often as it was opened. What the thread has not given back of the count by the last time is given back then. */
  close(slot: number): void {
    this.#lock()
    if (--this.#words[slot + this.#references]! === 0) this.#leave(slot, this.#thread)
    this.#unlock()
  }

  /** Closes the slot when nobody has the handle any more. */
  closeWith(handle: object, slot: number): void {
    this.#unused.register(handle, slot, handle)
  }

  /** At once, and not again. */
  closeNow(handle: object, slot: number): void {
    this.#unused.unregister(handle)
    this.close(slot)
  }

  /** Of a thread that has ended, in whatever way: its shares are given back, and its slots closed. */
  forfeit(thread: number): void {
    const words = this.#words
    // It may have ended in the middle of anything.
    Atomics.compareExchange(words, LOCK, thread + 1, 0)
    this.#lock()
    const size = wordsOf(this.#threads)
    for (let slot = this.#first, left = words[USED]!; left > 0; slot += size, left--) {
      const references = slot + OF_THREAD + 2 * thread
      if (words[references] === 0) continue
      words[references] = 0
      this.#leave(slot, thread)
    }
    this.#unlock()
  }

  /** Names that somebody has open. */
  get size(): number {
    return this.#words[OPEN]!
  }

  count(slot: number): number {
    return Atomics.load(this.#words, slot + COUNT)
  }

  /** Adds one unless there are `max` already: of those who ask at the same time no more get it than there is room for. */
  claim(slot: number, max: number): boolean {
    const words = this.#words
    const at = slot + COUNT
    for (let known = Atomics.load(words, at); known < max; ) {
      const found = Atomics.compareExchange(words, at, known, known + 1)
      if (found === known) {
        words[slot + this.#share]!++
        return true
      }
      known = found
    }
    return false
  }

  add(slot: number, change: number): void {
    Atomics.add(this.#words, slot + COUNT, change)
    this.#words[slot + this.#share]! += change
  }

  state(slot: number): number {
    BITS[0] = Atomics.load(this.#states, (slot + STATE) >> 1)
    return FLOAT[0]!
  }

  /** False when the state was not `expected` any more. */
  replaceState(slot: number, expected: number, next: number): boolean {
    FLOAT[0] = expected
    const before = BITS[0]!
    FLOAT[0] = next
    return Atomics.compareExchange(this.#states, (slot + STATE) >> 1, before, BITS[0]!) === before
  }

  get #first(): number {
    return HEADER + even(this.#capacity)
  }

  #make(head: number, key: Int32Array, state: number): number {
    const words = this.#words
    let slot = words[FREE]!
    if (slot !== NO_SLOT) words[FREE] = words[slot + NEXT]!
    else if (words[USED]! < this.#capacity) slot = this.#first + words[USED]!++ * wordsOf(this.#threads)
    else return NO_SLOT
    words.set(key, slot + KEY)
    words[slot + COUNT] = 0
    FLOAT[0] = state
    Atomics.store(this.#states, (slot + STATE) >> 1, BITS[0]!)
    words[slot + NEXT] = words[head]!
    words[head] = slot
    words[OPEN]!++
    return slot
  }

  /** A thread has it open no more; when none has, its place is free. */
  #leave(slot: number, thread: number): void {
    const words = this.#words
    const share = slot + OF_THREAD + 2 * thread + 1
    Atomics.sub(words, slot + COUNT, words[share]!)
    words[share] = 0
    for (let other = 0; other < this.#threads; other++) if (words[slot + OF_THREAD + 2 * other]! > 0) return
    this.#unlink(slot)
    words[slot + NEXT] = words[FREE]!
    words[FREE] = slot
    words[OPEN]!--
  }

  #unlink(slot: number): void {
    const words = this.#words
    let at = HEADER + ((words[slot + KEY]! >>> 0) % this.#capacity)
    while (words[at] !== slot) at = words[at]! + NEXT
    words[at] = words[slot + NEXT]!
  }

  #hasKey(slot: number, key: Int32Array): boolean {
    for (let i = 0; i < KEY_WORDS; i++) if (this.#words[slot + KEY + i] !== key[i]) return false
    return true
  }

  /**
   * Names whose thread holds it, so that the thread's end can let go of it. The main thread, which hears of that end, may
   * wait here itself: nobody waits for ever.
   */
  #lock(): void {
    const words = this.#words
    let last = 0
    let waits = 0
    for (;;) {
      const holder = Atomics.compareExchange(words, LOCK, 0, this.#thread + 1)
      if (holder === 0) return
      const isStill = holder === last && Atomics.wait(words, LOCK, holder, LOCK_WAIT_MS) === 'timed-out'
      waits = isStill ? waits + 1 : 0
      last = holder
      if (waits === MAX_LOCK_WAITS) Atomics.compareExchange(words, LOCK, holder, 0)
    }
  }

  #unlock(): void {
    // Unless it was taken from this thread.
    Atomics.compareExchange(this.#words, LOCK, this.#thread + 1, 0)
    Atomics.notify(this.#words, LOCK, 1)
  }
}

/** So that states are aligned. */
function even(words: number): number {
  return words + (words & 1)
}

function wordsOf(threads: number): number {
  return OF_THREAD + 2 * threads
}

/** Enough of a hash for two names never to have the same. */
function keyOf(name: string): Int32Array {
  const digest = hash('sha256', name, 'buffer')
  const key = new Int32Array(KEY_WORDS)
  for (let i = 0; i < KEY_WORDS; i++) key[i] = digest.readInt32LE(i * 4)
  return key
}
