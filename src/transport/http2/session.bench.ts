// What a request costs the codec, without sockets: node src/transport/http2/session.bench.ts
import { systemClock } from '../../base/clock.ts'
import type { HeaderList } from '../header-list.ts'
import { closeBatch, openBatch } from '../http/write-batch.ts'
import type { RequestHead } from '../request-head.ts'
import { Http2Session } from './session.ts'
import type { Http2SessionHandler } from './session-handler.ts'
import { ENVOY_HTTP2_SETTINGS } from './session-options.ts'
import type { Http2Stream } from './stream.ts'
import type { Http2StreamHandler } from './stream-handler.ts'
import { FakeSocket } from './testing/fake-socket.ts'

const REQUEST: HeaderList = [
  'user-agent',
  'grpc-node-js/1.14.7',
  'content-type',
  'application/grpc',
  'te',
  'trailers',
  'grpc-accept-encoding',
  'identity,deflate,gzip',
  'x-forwarded-proto',
  'https',
  'x-envoy-internal',
  'true',
]
const RESPONSE: HeaderList = [
  'content-type',
  'application/grpc',
  'server',
  'envoy',
  'x-envoy-upstream-service-time',
  '1',
]
const TRAILERS: HeaderList = ['grpc-status', '0']

/** Requests of one kind, client to server and back, `perTurn` of them in one read each way. */
class Exchange implements Http2SessionHandler, Http2StreamHandler {
  readonly #body: Buffer
  readonly #ids: boolean
  readonly #clientSocket = new FakeSocket()
  readonly #serverSocket = new FakeSocket()
  readonly #client = new Http2Session('client', this.#clientSocket.asSocket(), this, ENVOY_HTTP2_SETTINGS)
  readonly #server = new Http2Session('server', this.#serverSocket.asSocket(), this, ENVOY_HTTP2_SETTINGS)
  #serverStream: Http2Stream | null = null
  #count = 0
  done = 0
  clientMs = 0
  serverMs = 0

  constructor(bodyBytes: number, ids: boolean) {
    this.#body = Buffer.alloc(bodyBytes, 97)
    this.#ids = ids
    this.#client.start()
    this.#server.start()
  }

  turn(perTurn: number): void {
    const start = systemClock.now()
    openBatch()
    for (let i = 0; i < perTurn; i++) {
      const headers = REQUEST.slice()
      if (this.#ids) headers.push('x-request-id', `0b8b12b4-8d1f-4e0a-9c36-${100_000_000_000 + this.#count++}`)
      const head: RequestHead = { method: 'POST', path: '/', authority: '', scheme: 'http', headers, protocol: '' }
      const stream = this.#client.openStream(this)
      stream.sendRequest(head, '/shop.Orders/Get', 'orders.shop:8080', this.#body.length === 0)
      if (this.#body.length > 0) stream.sendData(this.#body, true)
    }
    closeBatch()
    const sent = systemClock.now()
    const bytes = this.#clientSocket.take()
    const carried = systemClock.now()
    openBatch()
    this.#server.receive(bytes)
    closeBatch()
    const served = systemClock.now()
    const answers = this.#serverSocket.take()
    const returned = systemClock.now()
    openBatch()
    this.#client.receive(answers)
    closeBatch()
    this.clientMs += sent - start + (systemClock.now() - returned)
    this.serverMs += served - carried
  }

  onRequest(stream: Http2Stream, _head: RequestHead, _fields: number, endStream: boolean): Http2StreamHandler {
    this.#serverStream = stream
    if (endStream) this.#answer()
    return this
  }

  onResponse(): void {}

  onData(_chunk: Buffer, endStream: boolean): void {
    if (endStream && this.#serverStream !== null) this.#answer()
  }

  onTrailers(): void {
    this.done++
  }

  #answer(): void {
    const stream = this.#serverStream!
    this.#serverStream = null
    stream.sendResponse(200, RESPONSE, false)
    if (this.#body.length > 0) stream.sendData(this.#body, false)
    stream.sendTrailers(TRAILERS)
  }

  onReset(): void {}
  onDrained(): void {}
  onCapacity(): void {}
  onGoAway(): void {}
  onSessionError(_code: number, details: string): void {
    throw new Error(details)
  }
}

function measure(bodyBytes: number, ids: boolean, perTurn: number): string {
  let client = Number.POSITIVE_INFINITY
  let server = Number.POSITIVE_INFINITY
  const turns = Math.ceil((bodyBytes > 10_000 ? 20_000 : 200_000) / perTurn)
  for (let repeat = 0; repeat < 4; repeat++) {
    const exchange = new Exchange(bodyBytes, ids)
    for (let i = 0; i < turns; i++) exchange.turn(perTurn)
    if (exchange.done !== turns * perTurn) throw new Error(`${exchange.done} of ${turns * perTurn} done`)
    client = Math.min(client, (exchange.clientMs * 1000) / exchange.done)
    server = Math.min(server, (exchange.serverMs * 1000) / exchange.done)
  }
  return `client ${client.toFixed(2)} us, server ${server.toFixed(2)} us`
}

for (const perTurn of [1, 16]) {
  console.log(`no body, ${perTurn} a turn: ${measure(0, false, perTurn)}`)
  console.log(`no body, request ids, ${perTurn} a turn: ${measure(0, true, perTurn)}`)
  console.log(`1 KiB each way, ${perTurn} a turn: ${measure(1024, false, perTurn)}`)
}
console.log(`64 KiB each way: ${measure(65_536, false, 1)}`)
