// Sends an HTTP/2 case to a proxy and says what came of it, in the words of the case.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../src/base/clock.ts'
import { HTTP_CONNECTION_MANAGER } from '../../src/data-plane/filters/network/http-connection-manager/factory.ts'
import {
  FakeCluster,
  type FakeProxy,
  type FakeProxyOptions,
  startFakeProxy,
} from '../../src/data-plane/http/testing/fake-proxy.ts'
import { ok, rawUpstream } from '../../src/data-plane/http/testing/raw-upstream.ts'
import { ERROR_CODE } from '../../src/transport/http2/error-code.ts'
import { FRAME, FRAME_HEADER_BYTES, PREFACE, readUint32 } from '../../src/transport/http2/frame.ts'
import { HeaderDecoder } from '../../src/transport/http2/hpack/header-decoder.ts'
import { frame, headers, type ReadFrame, readFrames, settings } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileCase, HostileClass } from './hostile-case.ts'
import { END, GET } from './http2-frames.ts'

export interface Http2AttackOptions {
  readonly config?: FakeProxyOptions['config']
  /** Full names of the counters that must have counted each case once. */
  readonly counters?: readonly string[]
  /** The attacker takes nothing that is sent to it until the proxy has had enough. */
  readonly isDeaf?: boolean
}

const PREFIX = 'http.test.downstream_'
const PING = 'all read'

export function testHttp2Class(hostile: HostileClass, options: Http2AttackOptions = {}): void {
  for (const attack of hostile.cases) {
    test(attack.name, () => run(attack, options))
  }
}

async function run(attack: HostileCase, options: Http2AttackOptions): Promise<void> {
  const upstream = await rawUpstream(() => ok())
  const cluster = new FakeCluster('c', upstream.port)
  const config = options.config ?? {}
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], config, clock: new FakeClock() })
  const bystander = new Http2Attacker(proxy)
  const attacker = new Http2Attacker(proxy)
  try {
    bystander.send(settings())
    await bystander.pong()
    if (options.isDeaf) attacker.socket.pause()
    attacker.send(Buffer.concat([settings(), Buffer.from(attack.send as string, 'latin1')]))
    if (options.isDeaf) {
      await until(() => proxy.stats.value(`${PREFIX}cx_protocol_error`) > 0)
      attacker.socket.resume()
    }
    await attacker.settled()
    const seen = upstream.requests.length
    assert.equal(attacker.outcome(), attack.gets)
    assert.equal(seen === 0 ? 'nothing' : seen === 1 ? '1 request' : `${seen} requests`, attack.upstreamSees)
    for (const name of options.counters ?? []) assert.equal(proxy.stats.value(PREFIX + name), 1, name)
    bystander.send(headers(1, GET, END))
    await bystander.settled()
    assert.equal(bystander.outcome(), '200, kept', 'another connection')
    assert.equal(proxy.stats.value(`${PREFIX}rq_active`), 0)
  } finally {
    attacker.socket.destroy()
    bystander.socket.destroy()
    await proxy.close()
    await upstream.close()
  }
}

/** A client that has sent its preface, and keeps what it gets. */
class Http2Attacker {
  readonly socket: Socket
  readonly #proxy: FakeProxy
  readonly #frames: ReadFrame[] = []
  #rest: Buffer = Buffer.alloc(0)
  #isClosed = false
  #pings = 0
  #pongs = 0

  constructor(proxy: FakeProxy) {
    this.#proxy = proxy
    this.socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    this.socket.on('close', () => {
      this.#isClosed = true
    })
    this.socket.write(PREFACE)
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  /** All that was sent has been read. */
  async pong(): Promise<void> {
    this.send(frame(FRAME.ping, 0, 0, PING))
    this.#pings++
    await until(() => this.#isClosed || this.#pongs === this.#pings)
  }

  /** The proxy has nothing more to say. */
  async settled(): Promise<void> {
    await this.pong()
    await until(() => this.#isClosed || this.#proxy.stats.value(`${PREFIX}rq_active`) === 0)
    if (!this.#isClosed) await this.pong()
  }

  /** Statuses, resets and the connection's end, equal ones counted. */
  outcome(): string {
    const decoder = new HeaderDecoder()
    const counts = new Map<string, number>()
    for (const read of this.#frames) {
      const word = wordOf(read, decoder)
      if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1)
    }
    const words = [...counts].map(([word, count]) => (count === 1 ? word : `${count} x ${word}`))
    words.push(this.#isClosed ? 'closed' : 'kept')
    return words.join(', ')
  }

  #onData(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#rest, chunk])
    let end = 0
    while (end + FRAME_HEADER_BYTES <= bytes.length) {
      const next = end + FRAME_HEADER_BYTES + bytes.readUIntBE(end, 3)
      if (next > bytes.length) break
      end = next
    }
    for (const read of readFrames(bytes.subarray(0, end))) {
      if (isPong(read)) this.#pongs++
      else this.#frames.push(read)
    }
    this.#rest = bytes.subarray(end)
  }
}

function isPong(read: ReadFrame): boolean {
  return read.type === FRAME.ping && read.payload.toString('latin1') === PING
}

function wordOf(read: ReadFrame, decoder: HeaderDecoder): string {
  if (read.type === FRAME.goAway) return `GOAWAY ${codeName(readUint32(read.payload, 4))}`
  if (read.type === FRAME.rstStream) return `RST_STREAM ${codeName(readUint32(read.payload, 0))}`
  if (read.type !== FRAME.headers) return ''
  let status = ''
  decoder.decode(read.payload, 0, read.payload.length, {
    onField: ({ name }, value) => {
      if (name === ':status') status = value
    },
  })
  return status
}

/** `enhanceYourCalm` as RFC 9113 7 writes it. */
function codeName(code: number): string {
  const name = Object.entries(ERROR_CODE).find(([, value]) => value === code)?.[0] ?? String(code)
  return name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise(resolve => setImmediate(resolve))
}
