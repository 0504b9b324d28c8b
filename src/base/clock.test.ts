import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { clockOrigin, systemClock } from './clock.ts'

const TOLD = `
const { parentPort, workerData: { module, origin } } = require('node:worker_threads')
import(module).then(({ clockSince }) => parentPort.postMessage(clockSince(origin).now()))
`

test('a thread tells the time of another, whose clock began long before', async () => {
  const longAgo = 1e9
  const module = new URL('./clock.ts', import.meta.url).href
  const before = systemClock.now() + longAgo
  const worker = new Worker(TOLD, { eval: true, workerData: { module, origin: clockOrigin() - longAgo } })
  const [there] = await once(worker, 'message')
  // What the two readings of a clock's beginning may be apart.
  assert.ok(there > before - 1 && there < systemClock.now() + longAgo + 1, `${before} ${there}`)
})
