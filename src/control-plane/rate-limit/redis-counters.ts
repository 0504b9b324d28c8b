// The buckets of global limits in Redis, shared by whoever uses the same: one step of the bucket there is one script.
import { hash } from 'node:crypto'
import { createClient, defineScript } from '@redis/client'
import type { Log } from '../../base/log.ts'
import type { TokenBucketConfig } from '../../base/token-bucket.ts'
import type { CounterStore, Taken } from './counter-store.ts'

/**
 * `takeTokens` of base/token-bucket.ts on Redis' own clock, which all of its users share. What is kept is when the bucket
 * is, or was, empty; it goes by itself when the bucket is full again.
 */
const STEP = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local tokenMs, maxTokens, hits = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local fullMs = tokenMs * maxTokens
local emptyAt = math.max(tonumber(redis.call('GET', KEYS[1]) or now - fullMs), now - fullMs)
local after = emptyAt + hits * tokenMs
local allowed = after <= now + 0.001
if allowed then
  emptyAt = after
  redis.call('SET', KEYS[1], string.format('%.17g', after), 'PX', math.max(1, math.ceil(after + fullMs - now)))
end
local left = math.floor(math.max(0, (now - emptyAt) / tokenMs) + 0.000001)
return {allowed and 1 or 0, left, math.ceil(math.max(0, emptyAt + tokenMs - now))}
`
const PREFIX = 'weft:limit:'
/** Clients choose the values, and what is kept of each must not be theirs to choose. */
const MAX_KEY_LENGTH = 256
/** Questions that wait: more than that, and Redis is as good as gone. */
const MAX_WAITING = 10_000
const MAX_BACKOFF_MS = 5000

const TAKE = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: STEP,
  parseCommand(parser, key: string, bucket: TokenBucketConfig, hits: number) {
    parser.pushKey(key)
    parser.push(String(bucket.tokenMs), String(bucket.maxTokens), String(hits))
  },
  transformReply: (reply: unknown) => reply as readonly [allowed: number, remaining: number, waitMs: number],
})

export class RedisCounters implements CounterStore {
  readonly #client: ReturnType<typeof clientOf>
  #isDown = false

  /** Connects by itself, again and again; nothing is taken while it is not. Throws on a URL that is none. */
  constructor(url: string, log: Log) {
    this.#client = clientOf(url)
    this.#client.on('error', (error: Error) => {
      if (this.#isDown) return
      this.#isDown = true
      log.error('Redis does not answer: global rate limits do what they are to do on failure', { why: error.message })
    })
    this.#client.on('ready', () => {
      this.#isDown = false
      log.info('global rate limits are counted in Redis')
    })
    this.#client.connect().catch(() => {}) // it is told by its events
  }

  async take(key: string, bucket: TokenBucketConfig, hits: number): Promise<Taken> {
    const id = key.length > MAX_KEY_LENGTH ? hash('sha256', key, 'base64') : key
    const [allowed, remaining, waitMs] = await this.#client.take(PREFIX + id, bucket, hits)
    return { allowed: allowed === 1, remaining, waitMs }
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }
}

function clientOf(url: string) {
  return createClient({
    url,
    scripts: { take: TAKE },
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_WAITING,
    socket: { reconnectStrategy: tries => Math.min(50 * 2 ** Math.min(tries, 10), MAX_BACKOFF_MS) },
  })
}
