// Bytes through a CONNECT tunnel (RFC 9110 9.3.6, RFC 9113 8.5), as a stream that is used like a socket: one stream of an
// HTTP/2 connection (HBONE when that is mutual TLS), or an HTTP/1.1 connection of its own.
import { Duplex } from 'node:stream'
import { closeBatch, openBatch } from '../../transport/http/write-batch.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import type { UpstreamConnectionInfo } from '../upstream-connection-info.ts'
import type { HttpPool, PoolWaiter, RequestEncoder, UpstreamStream } from './request-encoder.ts'
import type { ResetReason } from './reset-reason.ts'

const NO_BYTES = Buffer.alloc(0)

export class TunnelStream extends Duplex implements PoolWaiter, UpstreamStream {
  /** What carries the tunnel; null while there is nothing. */
  connection: UpstreamConnectionInfo | null = null
  readonly #pool: HttpPool
  readonly #head: RequestHead
  readonly #onReady: (failure: string | null) => void
  #encoder: RequestEncoder | null = null
  #state: 'waiting' | 'asking' | 'open' | 'over' = 'waiting'
  #hasEnded = false
  /** Of a write that waits until the other side takes bytes again. */
  #onWritten: ((error?: Error | null) => void) | null = null

  /**
   * Asks at once. `onReady` is called once: with null when the tunnel stands, else with the reason why it does not; the
   * stream is destroyed then.
   */
  constructor(pool: HttpPool, head: RequestHead, onReady: (failure: string | null) => void) {
    super({ allowHalfOpen: true })
    this.#pool = pool
    this.#head = head
    this.#onReady = onReady
    const encoder = pool.acquire(this, false)
    if (encoder !== null) this.onPoolReady(encoder)
  }

  onPoolReady(encoder: RequestEncoder): void {
    this.#encoder = encoder
    this.connection = encoder.connection
    this.#state = 'asking'
    encoder.assign(this)
    encoder.sendHead(this.#head, this.#head.path, this.#head.authority, false)
  }

  onPoolFailure(reason: ResetReason, failure: string): void {
    this.#fail(failure === '' ? reason.details : failure)
  }

  onResponseHead(head: ResponseHead, _fields: number, endStream: boolean): void {
    if (head.status < 200 || head.status > 299 || endStream) {
      this.#encoder?.abandon()
      this.#fail(`tunnel_response:${head.status}`)
      return
    }
    this.#state = 'open'
    this.#onReady(null)
  }

  onResponseBody(chunk: Buffer, endStream: boolean): void {
    if (chunk.length > 0 && !this.push(chunk)) this.#encoder?.pause()
    if (endStream) this.#endReading()
  }

  /** A tunnel has none; should one send them, they end it. */
  onResponseTrailers(): void {
    this.#endReading()
  }

  onInterimResponse(): void {}

  onReset(reason: ResetReason): void {
    if (this.#state === 'open') {
      this.#state = 'over'
      // What has come is read to its end first: an HTTP/1.1 connection cannot end one way and go on the other.
      if (this.#hasEnded) {
        this.#encoder = null
        if (this.readableEnded) this.destroy()
        else this.once('end', () => this.destroy())
        return
      }
      this.destroy(Object.assign(new Error(reason.text), { code: 'ECONNRESET' }))
      // Only a connection that does not come about has a transport failure to tell (Envoy).
    } else this.#fail('')
  }

  onEncoderDrained(): void {
    const done = this.#onWritten
    this.#onWritten = null
    done?.()
  }

  override _read(): void {
    this.#encoder?.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(chunk, false)
    if (this.#encoder?.isBlocked === true) this.#onWritten = done
    else done()
  }

  override _final(done: () => void): void {
    this.#send(NO_BYTES, true)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const state = this.#state
    this.#state = 'over'
    if (state === 'waiting') this.#pool.cancel(this)
    else if (state !== 'over' && !(this.readableEnded && this.writableFinished)) this.#encoder?.abandon()
    const written = this.#onWritten
    this.#onWritten = null
    written?.(error)
    done(error)
  }

  #endReading(): void {
    this.#hasEnded = true
    this.push(null)
  }

  #send(chunk: Buffer, endStream: boolean): void {
    openBatch()
    this.#encoder?.sendBody(chunk, endStream)
    closeBatch()
  }

  #fail(why: string): void {
    this.#state = 'over'
    this.destroy()
    this.#onReady(why)
  }
}
