import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { NO_SLOT, SharedSlots } from './shared-slots.ts'

const THREADS = 3
const CAPACITY = 4

interface ModelSlot {
  readonly opened: number[]
  readonly shares: number[]
  state: number
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

/** What the slots are to do, said with Maps. */
class Model {
  readonly slots = new Map<string, ModelSlot>()

  open(thread: number, name: string, state: number): boolean {
    let slot = this.slots.get(name)
    if (slot === undefined) {
      if (this.slots.size >= CAPACITY) return false
      slot = { opened: [0, 0, 0], shares: [0, 0, 0], state }
      this.slots.set(name, slot)
    }
    slot.opened[thread]!++
    return true
  }

  close(thread: number, name: string): void {
    const slot = this.slots.get(name)!
    if (--slot.opened[thread]! === 0) this.#leave(thread, name, slot)
  }

  forfeit(thread: number): void {
    for (const [name, slot] of this.slots) {
      if (slot.opened[thread] === 0) continue
      slot.opened[thread] = 0
      this.#leave(thread, name, slot)
    }
  }

  #leave(thread: number, name: string, slot: ModelSlot): void {
    slot.shares[thread] = 0
    if (sum(slot.opened) === 0) this.slots.delete(name)
  }
}

const step = fc.record({
  act: fc.constantFrom('open', 'open', 'close', 'claim', 'claim', 'add', 'release', 'state', 'forfeit'),
  thread: fc.nat({ max: THREADS - 1 }),
  name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  number: fc.nat({ max: 4 }),
})

test('counts are the sums of shares, states are everybody’s, and a slot lives for as long as one has it open', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), steps => {
      const memory = SharedSlots.allocate(THREADS, CAPACITY)
      const threads = [0, 1, 2].map(thread => new SharedSlots(memory, thread))
      const known = threads.map(() => new Map<string, number>())
      const model = new Model()
      for (const { act, thread, name, number } of steps) {
        const slots = threads[thread]!
        const slot = known[thread]!.get(name)
        const expected = model.slots.get(name)
        if (act === 'open') {
          const opened = slots.open(name, number)
          assert.equal(opened !== NO_SLOT, model.open(thread, name, number))
          if (opened !== NO_SLOT) known[thread]!.set(name, opened)
        } else if (act === 'forfeit') {
          // By one that is left.
          threads[(thread + 1) % THREADS]!.forfeit(thread)
          model.forfeit(thread)
          known[thread]!.clear()
        } else if (slot !== undefined && expected !== undefined) {
          if (act === 'close') {
            slots.close(slot)
            model.close(thread, name)
            if ((model.slots.get(name)?.opened[thread] ?? 0) === 0) known[thread]!.delete(name)
          } else if (act === 'claim') {
            const isFree = sum(expected.shares) < number
            assert.equal(slots.claim(slot, number), isFree)
            if (isFree) expected.shares[thread]!++
          } else if (act === 'add') {
            slots.add(slot, 1)
            expected.shares[thread]!++
          } else if (act === 'release' && expected.shares[thread]! > 0) {
            slots.add(slot, -1)
            expected.shares[thread]!--
          } else if (act === 'state') {
            assert.equal(slots.replaceState(slot, number, number + 0.5), expected.state === number)
            if (expected.state === number) expected.state = number + 0.5
          }
        }
        assert.equal(slots.size, model.slots.size)
        for (const [at, names] of known.entries()) {
          for (const [open, place] of names) {
            const { shares, state } = model.slots.get(open)!
            assert.equal(threads[at]!.count(place), sum(shares), `count of ${open}`)
            assert.equal(threads[at]!.state(place), state, `state of ${open}`)
          }
        }
      }
    }),
  )
})

/** Runs in each thread: claims and gives back, steps a state, opens and closes. */
const HAMMER = `
const { workerData: { module, memory, thread, rounds, max } } = require('node:worker_threads')
import(module).then(({ SharedSlots }) => {
  const slots = new SharedSlots(memory, thread)
  const slot = slots.open('contended')
  const inside = slots.open('inside')
  const broken = slots.open('broken')
  const own = slots.open('own ' + thread)
  slots.add(own, 2)
  for (let i = 0; i < rounds; i++) {
    if (slots.claim(slot, max)) {
      slots.add(inside, 1)
      if (slots.count(inside) > max) slots.add(broken, 1)
      slots.add(inside, -1)
      slots.add(slot, -1)
    }
    for (let state = slots.state(slot); !slots.replaceState(slot, state, state + 1); ) state = slots.state(slot)
    if (i % 16 === 0) slots.close(slots.open('passing ' + (i + thread) % 7))
  }
})
`

test('threads that work at the same time', async () => {
  const rounds = 20_000
  const memory = SharedSlots.allocate(THREADS, 64)
  const slots = new SharedSlots(memory, 0)
  const [contended, inside, broken] = ['contended', 'inside', 'broken'].map(name => slots.open(name))
  const module = new URL('./shared-slots.ts', import.meta.url).href
  const workers = [1, 2].map(
    thread => new Worker(HAMMER, { eval: true, workerData: { module, memory, thread, rounds, max: 1 } }),
  )
  await Promise.all(workers.map(worker => once(worker, 'exit')))
  assert.equal(slots.count(contended!), 0)
  assert.equal(slots.count(inside!), 0)
  assert.equal(slots.count(broken!), 0)
  assert.equal(slots.state(contended!), 2 * rounds)
  assert.equal(slots.size, 5)
  slots.forfeit(1)
  assert.equal(slots.size, 4)
  slots.forfeit(2)
  assert.equal(slots.size, 3)
})

test('a thread that has ended in the middle of an opening holds nobody up', () => {
  const memory = SharedSlots.allocate(2, CAPACITY)
  const slots = new SharedSlots(memory, 0)
  // The lock is the first word: its holder's number, from 1.
  new Int32Array(memory)[0] = 2
  slots.forfeit(1)
  assert.notEqual(slots.open('a'), NO_SLOT)
})

test('a thread that holds the lock and goes on no more holds nobody up for ever', () => {
  const memory = SharedSlots.allocate(2, CAPACITY)
  new Int32Array(memory)[0] = 2
  assert.notEqual(new SharedSlots(memory, 0).open('a'), NO_SLOT)
})

test('a slot is closed when nobody has its handle any more', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const slots = new SharedSlots(SharedSlots.allocate(1, CAPACITY), 0)
  const kept = {}
  slots.closeWith(kept, slots.open('kept'))
  slots.closeWith({}, slots.open('dropped'))
  while (slots.size > 1) {
    collect()
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal(slots.count(slots.open('kept')), 0)
  const now = {}
  const slot = slots.open('now')
  slots.closeWith(now, slot)
  slots.closeNow(now, slot)
  assert.equal(slots.size, 1)
  assert.ok(kept)
})
