import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mock, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { clockOrigin, systemClock } from './clock.ts'

const TOLD = `
const { parentPort, workerData: { module, origin } } = require('node:worker_threads')
import(module).then(({ clockSince }) => parentPort.postMessage(clockSince(origin).now()))
`

test('a time that is longer than a timer of the engine waits for its end', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const delays: number[] = []
  const mocked = globalThis.setTimeout
  const set = mock.method(globalThis, 'setTimeout', (callback: () => void, ms: number) => {
    delays.push(ms)
    return mocked(callback, ms)
  })
  let fired = 0
  const longest = 2 ** 31 - 1
  systemClock.setTimer(2 * longest + 10, () => fired++)
  const cancelled = systemClock.setTimer(2 * longest + 10, () => fired++)
  for (const ms of [longest, longest, 9]) mock.timers.tick(ms)
  assert.equal(fired, 0)
  cancelled.cancel()
  mock.timers.tick(1)
  assert.equal(fired, 1)
  assert.ok(delays.every(ms => ms <= longest))
  set.mock.restore()
  mock.timers.reset()
})

test('a thread tells the time of another, whose clock began long before', async () => {
  const longAgo = 1e9
  const module = new URL('./clock.ts', import.meta.url).href
  const before = systemClock.now() + longAgo
  const worker = new Worker(TOLD, { eval: true, workerData: { module, origin: clockOrigin() - longAgo } })
  const [there] = await once(worker, 'message')
  // What the two readings of a clock's beginning may be apart.
  assert.ok(there > before - 1 && there < systemClock.now() + longAgo + 1, `${before} ${there}`)
})
