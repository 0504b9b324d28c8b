// Global limits counted in a real Redis: the script there is the same bucket, and a mesh that counts there.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { createClient } from '@redis/client'
import { silentLog } from '../../src/base/log.ts'
import { FULL, takeTokens, tokenBucketConfig } from '../../src/base/token-bucket.ts'
import { RedisCounters } from '../../src/control-plane/rate-limit/redis-counters.ts'
import { freePort } from '../../src/transport/net/testing/free-port.ts'
import { testGlobalRateLimits } from '../integration/global-rate-limit-suite.ts'
import { eventually } from '../integration/running-mesh.ts'

const server = process.env['REDIS_SERVER']
const port = await freePort()
const url = `redis://127.0.0.1:${port}`
let directory = ''
let redis: ChildProcess | undefined

before(async () => {
  assert.ok(server, 'Redis is missing: apt-get install redis-server, or REDIS_SERVER=path')
  directory = mkdtempSync(join(tmpdir(), 'weft-redis-'))
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory]
  redis = spawn(server!, args, { stdio: 'ignore' })
  await once(redis, 'spawn')
})
after(() => {
  redis?.kill('SIGTERM')
  if (directory) rmSync(directory, { recursive: true, force: true })
})

suite('the counters', () => {
  let counters: RedisCounters[] = []
  const client = createClient({ url })

  before(async () => {
    counters = [new RedisCounters(url, silentLog), new RedisCounters(url, silentLog)]
    const bucket = tokenBucketConfig(1, 1, 1000)
    for (const store of counters)
      await eventually('Redis', () =>
        store.take('ready', bucket, 1).then(
          () => true,
          () => false,
        ),
      )
    await client.connect()
  })
  after(async () => {
    for (const store of counters) await store.close()
    client.destroy()
  })

  test('two who share them give out no more than the burst, however many ask at once', async () => {
    const bucket = tokenBucketConfig(50, 1, 86_400_000)
    const taken = await Promise.all(
      Array.from({ length: 400 }, (_, index) => counters[index % 2]!.take('burst', bucket, 1)),
    )
    assert.equal(taken.filter(({ allowed }) => allowed).length, 50)
    const last = await counters[0]!.take('burst', bucket, 1)
    assert.deepEqual([last.allowed, last.remaining, last.waitMs > 86_300_000], [false, 0, true])
    const other = await counters[0]!.take('x'.repeat(5000), bucket, 7)
    assert.deepEqual([other.allowed, other.remaining], [true, 43])
    assert.equal((await counters[1]!.take('x'.repeat(5000), bucket, 44)).allowed, false)
  })

  test('the script is the step function: by what it keeps, on its own clock', async () => {
    const bucket = tokenBucketConfig(3, 2, 60_000)
    const key = 'weft:limit:step'
    let before = FULL
    for (const hits of [1, 2, 1, 3, 1]) {
      const { allowed } = await counters[0]!.take('step', bucket, hits)
      const kept = Number(await client.get(key))
      // It was now when the bucket was full, and is not much later.
      const now = before === FULL ? kept - hits * bucket.tokenMs + bucket.fullMs : Date.now()
      const next = takeTokens(bucket, before, now, hits)
      assert.equal(allowed, next !== before)
      if (allowed) assert.ok(Math.abs(kept - next) < 1, `${kept} is not ${next}`)
      before = kept
    }
    const life = await client.pTTL(key)
    assert.ok(life > 0 && life <= 2 * bucket.fullMs, `${life} ms`)
  })
})

suite('a mesh that counts there', () => testGlobalRateLimits('weft', { WEFT_RATE_LIMIT_REDIS: url }))

test('the mesh has counted there', async () => {
  const client = createClient({ url })
  await client.connect()
  assert.ok((await client.keys('weft:limit:default/together/users*')).length >= 3)
  client.destroy()
})
