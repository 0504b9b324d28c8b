// A connection's listener filters at work: each in its turn sees the first bytes until it has decided, as in Envoy.
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Findings, ListenerFilter } from '../filters/listener/contract/listener-filter.ts'

export type RunEnd = 'done' | 'timeout' | 'refused' | 'closed'

export interface RunOptions {
  readonly clock: Clock
  /** 0: for ever, as Envoy's listener_filters_timeout. */
  readonly timeoutMs: number
  /** The run has come to be silent. */
  onSilence(): void
}

const NO_BYTES = Buffer.alloc(0)

export class ListenerFilterRun {
  readonly #socket: Socket
  readonly #filters: readonly ListenerFilter[]
  readonly #findings: Findings
  readonly #options: RunOptions
  readonly #onEnd: (end: RunEnd, bytes: Buffer | null) => void
  readonly #onReadable = (): void => this.#read()
  readonly #onClose = (): void => this.#end('closed')
  #timer: Timer | null = null
  /** Of the filter whose turn it is. */
  #index = 0
  /** How many bytes it wants to see at least. */
  #needed = 1
  /** The first `#length` bytes of it have come; doubled as they grow, or a byte at a time would cost their square. */
  #store: Buffer = NO_BYTES
  #length = 0
  #ended = false

  /** Calls back once, with the bytes that were read and that no filter took: they are no longer in the socket. */
  constructor(
    socket: Socket,
    filters: readonly ListenerFilter[],
    findings: Findings,
    options: RunOptions,
    onEnd: (end: RunEnd, bytes: Buffer | null) => void,
  ) {
    this.#socket = socket
    this.#filters = filters
    this.#findings = findings
    this.#options = options
    this.#onEnd = onEnd
  }

  /** `readAhead`: bytes that were read before. */
  start(readAhead: Buffer | null): void {
    const { clock, timeoutMs } = this.#options
    if (timeoutMs > 0) this.#timer = clock.setTimer(timeoutMs, () => this.#end('timeout'))
    this.#socket.on('readable', this.#onReadable).on('close', this.#onClose).on('error', this.#onClose)
    if (readAhead !== null) this.#append(readAhead)
    this.#advance()
  }

  /** Not a byte is there, and every filter left only looks: nothing will be found out unless the client speaks. */
  get isSilent(): boolean {
    if (this.#ended || this.#length > 0) return false
    for (let i = this.#index; i < this.#filters.length; i++) if (!this.#filters[i]!.onlyLooks) return false
    return true
  }

  /** Ends a silent run: what the filters have not found by now is not there. */
  finish(): void {
    this.#end('done')
  }

  #read(): void {
    for (let chunk: Buffer | null = this.#socket.read(); chunk !== null; chunk = this.#socket.read())
      this.#append(chunk)
    if (!this.#ended) this.#advance()
  }

  #append(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (this.#length === 0) this.#store = chunk
    else {
      if (length > this.#store.length) {
        const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#store.length))
        this.#store.copy(grown, 0, 0, this.#length)
        this.#store = grown
      }
      chunk.copy(this.#store, this.#length)
    }
    this.#length = length
  }

  #advance(): void {
    const findings = this.#findings
    while (this.#index < this.#filters.length) {
      if (this.#length < this.#needed) {
        if (this.isSilent) this.#options.onSilence()
        return
      }
      const filter = this.#filters[this.#index]!
      const verdict = filter.inspect(this.#store.subarray(0, Math.min(this.#length, filter.maxBytes)), findings)
      if (verdict === 'refuse') {
        this.#end('refused')
        return
      }
      if (typeof verdict === 'number' && this.#length < filter.maxBytes) {
        this.#needed = Math.min(Math.max(verdict, this.#length + 1), filter.maxBytes)
        continue
      }
      this.#store = this.#store.subarray(findings.consumed)
      this.#length -= findings.consumed
      findings.consumed = 0
      this.#index++
      this.#needed = 1
    }
    this.#end('done')
  }

  /**
   * Node hears a tick later that nobody waits for `readable`, and then has the socket flow, paused or not: whoever takes
   * over could not hold up the client before.
   */
  #end(end: RunEnd): void {
    if (this.#ended) return
    this.#ended = true
    this.#timer?.cancel()
    this.#socket.off('readable', this.#onReadable)
    process.nextTick(() => this.#handOver(end))
  }

  #handOver(end: RunEnd): void {
    const socket = this.#socket
    socket.off('close', this.#onClose).off('error', this.#onClose)
    this.#onEnd(socket.destroyed ? 'closed' : end, this.#length === 0 ? null : this.#store.subarray(0, this.#length))
  }
}
