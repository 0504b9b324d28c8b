// One health check by gRPC's own protocol (grpc.health.v1.Health/Check), over HTTP/2 with prior knowledge.
import type { Socket } from 'node:net'
import { getHeader, type HeaderList } from '../../transport/header-list.ts'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import { Http2Session, type Http2SessionHandler } from '../../transport/http2/session.ts'
import { ENVOY_HTTP2_SETTINGS } from '../../transport/http2/session-options.ts'
import type { Http2StreamHandler } from '../../transport/http2/stream.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'

const PATH = '/grpc.health.v1.Health/Check'
/** More than the answer of one small field and its frame can be. */
const MAX_ANSWER_BYTES = 64
/** HealthCheckResponse { status: SERVING }, behind the five bytes of its frame. */
const SERVING = Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01])

/** Asks for `service`, empty for the server as a whole; calls back once. The caller bounds the time and owns the socket. */
export class GrpcProbe implements Http2SessionHandler, Http2StreamHandler {
  readonly #service: string
  readonly #onResult: (healthy: boolean, detail: string) => void
  #answer: Buffer = Buffer.alloc(0)

  constructor(service: string, onResult: (healthy: boolean, detail: string) => void) {
    this.#service = service
    this.#onResult = onResult
  }

  /** On a connection that is open. */
  start(socket: Socket, authority: string): void {
    const session = new Http2Session('client', socket, this, ENVOY_HTTP2_SETTINGS)
    socket.on('data', (chunk: Buffer) => {
      openBatch()
      session.receive(chunk)
      closeBatch()
    })
    socket.on('drain', () => session.drained())
    openBatch()
    session.start()
    const stream = session.openStream(this)
    const headers = ['content-type', 'application/grpc', 'te', 'trailers', 'user-agent', 'weft-health-check']
    const head: RequestHead = { method: 'POST', path: PATH, authority, scheme: 'http', protocol: '', headers }
    stream.sendRequest(head, PATH, authority, false)
    stream.sendData(requestOf(this.#service), true)
    closeBatch()
  }

  onResponse(head: ResponseHead, _fields: number, endStream: boolean): void {
    if (head.status !== 200) this.#onResult(false, `status ${head.status}`)
    else if (endStream) this.onTrailers(head.headers)
  }

  onData(chunk: Buffer): void {
    this.#answer = Buffer.concat([this.#answer, chunk])
    if (this.#answer.length > MAX_ANSWER_BYTES) this.#onResult(false, 'not gRPC')
  }

  onTrailers(trailers: HeaderList): void {
    const status = getHeader(trailers, 'grpc-status')
    if (status !== '0') this.#onResult(false, status === undefined ? 'not gRPC' : `grpc-status ${status}`)
    else if (this.#answer.equals(SERVING)) this.#onResult(true, 'serving')
    else this.#onResult(false, 'not serving')
  }

  onReset(_code: number, _remote: boolean, details: string): void {
    this.#onResult(false, details === '' ? 'stream reset' : details)
  }

  onSessionError(_code: number, details: string): void {
    this.#onResult(false, details)
  }

  onRequest(): Http2StreamHandler {
    return this
  }

  onDrained(): void {}
  onCapacity(): void {}
  onGoAway(): void {}
}

/** HealthCheckRequest { service } in its frame. A name is at most 127 bytes, so that its length is one byte. */
function requestOf(service: string): Buffer {
  const name = Buffer.from(service)
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name])
  const frame = Buffer.alloc(5)
  frame.writeUInt32BE(message.length, 1)
  return Buffer.concat([frame, message])
}
