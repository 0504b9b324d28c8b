// response_rate_limit: rates and slices as an Envoy 1.40 with the same config has them.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { type FilterStage, filter, withFilters } from '../../../http/testing/filter-stage.ts'
import { ok } from '../../../http/testing/raw-upstream.ts'

const ALL = { numerator: 100 }
const limit = (config: JsonObject) =>
  filter('fault.v3.HTTPFault', { responseRateLimit: { percentage: ALL, ...config } })
const FIXED = limit({ fixedLimit: { limitKbps: 1 } })
const GET = 'GET / HTTP/1.1\r\nhost: a\r\n'
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'

class Reader {
  text = ''
  readonly socket

  constructor(stage: FilterStage, request: string) {
    this.socket = connect(stage.proxy.port, '127.0.0.1')
    this.socket.on('error', () => {})
    this.socket.on('data', chunk => {
      this.text += chunk.toString('latin1')
    })
    this.socket.write(`${request}\r\n`)
  }

  /** Of the body so far; -1 before the head has come. */
  get length(): number {
    const head = this.text.indexOf('\r\n\r\n')
    return head < 0 ? -1 : this.text.length - head - 4
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

test('51 bytes every 50 ms are 1 KiB a second; what a second of silence saved may go at once', () => {
  let more: (() => void) | undefined
  const answer = ({ socket }: { readonly socket: { write(text: string): void } }): string => {
    more = () => socket.write('y'.repeat(2000))
    return `HTTP/1.1 200 OK\r\ncontent-length: 2200\r\n\r\n${'x'.repeat(200)}`
  }
  return withFilters({ filters: [FIXED], answer }, async stage => {
    const reader = new Reader(stage, GET)
    for (const length of [51, 102, 153, 200]) {
      await until(() => reader.length === length)
      stage.clock.advance(50)
    }
    assert.equal(stage.proxy.stats.value('http.test.fault.response_rl_injected'), 1)
    assert.equal(stage.proxy.stats.value('http.test.fault.active_faults'), 1)
    stage.clock.advance(5000)
    more!()
    await until(() => reader.length === 200 + 20 * 51)
    stage.clock.advance(50)
    await until(() => reader.length === 200 + 21 * 51)
    for (let i = 0; i < 20; i++) stage.clock.advance(50)
    await until(() => reader.length === 2200)
    assert.equal(stage.lastLog, '200 - via_upstream')
    assert.equal(stage.proxy.stats.value('http.test.fault.active_faults'), 0)
    reader.socket.destroy()
  })
})

test('trailers wait for the bytes before them', () =>
  withFilters(
    {
      filters: [FIXED],
      manager: { httpProtocolOptions: { enableTrailers: true } },
      answer: () => `${CHUNKED}40\r\n${'x'.repeat(64)}\r\n0\r\nx-sum: 1\r\n\r\n`,
    },
    async stage => {
      stage.cluster.http1 = {
        ...stage.cluster.http1,
        trailers: true,
        limits: { ...stage.cluster.http1.limits, trailers: true },
      }
      const reader = new Reader(stage, GET)
      await until(() => reader.text.endsWith(`33\r\n${'x'.repeat(51)}\r\n`))
      stage.clock.advance(50)
      await until(() => reader.text.endsWith(`d\r\n${'x'.repeat(13)}\r\n0\r\nx-sum: 1\r\n\r\n`))
      reader.socket.destroy()
    },
  ))

test('a body of unknown length that ends without bytes ends', () =>
  withFilters({ filters: [FIXED], answer: () => `${CHUNKED}a\r\n0123456789\r\n0\r\n\r\n` }, async stage => {
    const reader = new Reader(stage, GET)
    await until(() => reader.text.endsWith('a\r\n0123456789\r\n0\r\n\r\n'))
    reader.socket.destroy()
  }))

test('header_limit: as the request asks, where it asks for a rate at all', () =>
  withFilters({ filters: [limit({ headerLimit: {} })], answer: () => ok('x'.repeat(300)) }, async stage => {
    const rate = 'x-envoy-fault-throughput-response'
    const unlimited = ['0', 'x', '1.5', '-1', `1\r\n${rate}-percentage: 0`].map(value => `${rate}: ${value}\r\n`)
    for (const fields of ['', ...unlimited]) {
      const reader = new Reader(stage, GET + fields)
      await until(() => reader.length === 300)
      reader.socket.destroy()
    }
    assert.equal(stage.proxy.stats.value('http.test.fault.response_rl_injected'), 0)
    const reader = new Reader(stage, `${GET}${rate}: 2\r\n`)
    for (const length of [102, 204, 300]) {
      await until(() => reader.length === length)
      stage.clock.advance(50)
    }
    assert.equal(stage.proxy.stats.value('http.test.fault.response_rl_injected'), 1)
    reader.socket.destroy()
  }))

test('an upstream that is faster than the limit waits, and its client may leave', () => {
  const size = 16 * 1024 * 1024
  const answer = (): string => `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'x'.repeat(size)}`
  return withFilters({ filters: [FIXED], answer }, async stage => {
    const reader = new Reader(stage, GET)
    const received = stage.cluster.stats.upstreamCxRxBytesTotal
    await until(() => received.value > 1024 * 1024)
    for (let i = 0; i < 100; i++) await new Promise(resolve => setImmediate(resolve))
    assert.ok(received.value < 4 * 1024 * 1024, String(received.value))
    reader.socket.destroy()
    await until(() => stage.proxy.stats.value('http.test.downstream_rq_active') === 0)
    stage.clock.advance(1000)
    assert.equal(stage.proxy.stats.value('http.test.fault.active_faults'), 0)
  })
})
