// Hands a response's body on at a limited rate (response_rate_limit), in the slices of time that Envoy has.
import { type TimerWheel, WheelTimer } from '../../../../base/timer-wheel.ts'
import { closeBatch, openBatch } from '../../../../transport/http/write-batch.ts'
import type { FilterStream, HttpFilter } from '../contract/http-filter.ts'

const SLICE_MS = 50
/** What a stream that sent nothing for a second may send at once. */
const MAX_SLICES = 1000 / SLICE_MS
const EMPTY = Buffer.alloc(0)

export class ResponseLimiter {
  readonly #stream: FilterStream
  readonly #filter: HttpFilter
  readonly #wheel: TimerWheel
  readonly #timer = new WheelTimer(this, 0)
  readonly #sliceBytes: number
  #chunks: Buffer[] = []
  #bytes = 0
  #end = false
  #hasTrailers = false
  #isFull = false
  #slices = 1
  #countedAt: number

  constructor(stream: FilterStream, filter: HttpFilter, kbps: number, wheel: TimerWheel) {
    this.#stream = stream
    this.#filter = filter
    this.#wheel = wheel
    this.#sliceBytes = Math.floor((kbps * 1024 * SLICE_MS) / 1000)
    this.#countedAt = wheel.now()
  }

  write(chunk: Buffer, endStream: boolean): void {
    this.#end = endStream
    // Copied: the bytes may lie in a read buffer that is used again.
    if (chunk.length > 0) this.#chunks.push(Buffer.from(chunk))
    this.#bytes += chunk.length
    if (!this.#timer.isSet) this.#release()
    if (this.#bytes <= this.#stream.bufferLimit || this.#isFull) return
    this.#isFull = true
    this.#stream.pauseResponse()
  }

  /** False: they may go on, as nothing waits before them. */
  holdTrailers(): boolean {
    this.#hasTrailers = this.#bytes > 0
    return this.#hasTrailers
  }

  stop(): void {
    this.#wheel.cancel(this.#timer)
  }

  onTimer(): void {
    openBatch()
    this.#release()
    closeBatch()
  }

  #release(): void {
    const now = this.#wheel.now()
    this.#slices = Math.min(MAX_SLICES, this.#slices + (now - this.#countedAt) / SLICE_MS)
    this.#countedAt = now
    const slices = Math.min(Math.floor(this.#slices), Math.ceil(this.#bytes / this.#sliceBytes))
    this.#slices -= slices
    const data = this.#take(Math.min(this.#bytes, slices * this.#sliceBytes))
    if (this.#bytes > 0) this.#wheel.set(this.#timer, (1 - (this.#slices % 1)) * SLICE_MS)
    const isLast = this.#end && this.#bytes === 0
    if (data.length > 0 || isLast) this.#stream.injectResponseData(this.#filter, data, isLast)
    if (this.#hasTrailers && this.#bytes === 0) this.#stream.continueEncoding(this.#filter)
    // Last: it may bring more at once.
    if (!this.#isFull || this.#bytes > this.#stream.bufferLimit) return
    this.#isFull = false
    this.#stream.resumeResponse()
  }

  #take(length: number): Buffer {
    if (length === 0) return EMPTY
    const chunks = this.#chunks
    this.#bytes -= length
    let end = 0
    let found = 0
    while (found < length) found += chunks[end++]!.length
    const all = end === 1 ? chunks[0]! : Buffer.concat(chunks.slice(0, end))
    chunks.splice(0, end)
    if (found > length) chunks.unshift(all.subarray(length))
    return all.subarray(0, length)
  }
}
