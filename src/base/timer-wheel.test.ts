// TimerWheel: fires in time, moves, cancels, and lets the clock rest when empty.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from './clock.ts'
import { TimerWheel, WheelTimer } from './timer-wheel.ts'

function setup() {
  const clock = new FakeClock()
  const wheel = new TimerWheel(clock)
  const fired: [number, number][] = []
  const target = { onTimer: (timer: WheelTimer) => void fired.push([timer.purpose, clock.now()]) }
  return { clock, wheel, fired, timer: (purpose: number) => new WheelTimer(target, purpose) }
}

test('fires once, never early, at most one tick late', () => {
  const { clock, wheel, fired, timer } = setup()
  for (const delay of [0, 1, 5, 12, 250, 5_119, 5_121, 60_000]) wheel.set(timer(delay), delay)
  clock.advance(120_000)
  const order = fired.map(([purpose]) => purpose)
  assert.deepEqual(
    order.toSorted((a, b) => a - b),
    [0, 1, 5, 12, 250, 5_119, 5_121, 60_000],
  )
  assert.deepEqual(order.slice(3), [12, 250, 5_119, 5_121, 60_000])
  for (const [delay, at] of fired) assert.ok(at >= delay && at <= delay + 5, `${delay} fired at ${at}`)
  assert.equal(clock.pendingTimers, 0)
})

test('a timer moved on fires at its last deadline; one moved back fires earlier', () => {
  const { clock, wheel, fired, timer } = setup()
  const later = timer(1)
  wheel.set(later, 100)
  clock.advance(50)
  wheel.set(later, 100)
  clock.advance(99)
  assert.deepEqual(fired, [])
  clock.advance(10)
  assert.equal(fired.length, 1)
  const sooner = timer(2)
  wheel.set(sooner, 10_000)
  wheel.set(sooner, 10)
  clock.advance(20)
  assert.equal(fired.length, 2)
})

test('a cancelled timer does not fire, even when cancelled by another of the same slot', () => {
  const clock = new FakeClock()
  const wheel = new TimerWheel(clock)
  const fired: WheelTimer[] = []
  const all: WheelTimer[] = []
  const target = {
    onTimer(timer: WheelTimer) {
      fired.push(timer)
      for (const other of all) wheel.cancel(other)
    },
  }
  for (let i = 0; i < 3; i++) all.push(new WheelTimer(target, i))
  for (const timer of all) wheel.set(timer, 20)
  clock.advance(100)
  assert.equal(fired.length, 1)
  assert.equal(wheel.size, 0)
  assert.equal(clock.pendingTimers, 0)
})

test('a target may set its timer again while it fires', () => {
  const clock = new FakeClock()
  const wheel = new TimerWheel(clock)
  let count = 0
  const timer = new WheelTimer({ onTimer: () => void (++count < 3 && wheel.set(timer, 10)) }, 0)
  wheel.set(timer, 10)
  clock.advance(1000)
  assert.equal(count, 3)
})
