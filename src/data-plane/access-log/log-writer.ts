// Gathers lines for one file and writes them in blocks, as Envoy does: at some 64 KiB, after a second, and at the close.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Counter, StatsScope } from '../stats/stats-scope.ts'
import { LineBuffer } from './line-buffer.ts'
import type { LogFile, LogFiles } from './log-file.ts'

/** A block's size, less what a line mostly needs: so that the block need not grow. */
const FLUSH_BYTES = 63 * 1024
const FLUSH_AFTER_MS = 1000

/** Of all log files, by Envoy's names: blocks that were written, those that were lost, files that could not be reopened. */
export interface LogStats {
  readonly writeCompleted: Counter
  readonly writeFailed: Counter
  readonly reopenFailed: Counter
}

export function createLogStats(stats: StatsScope): LogStats {
  const scope = stats.scope('filesystem')
  return {
    writeCompleted: scope.counter('write_completed'),
    writeFailed: scope.counter('write_failed'),
    reopenFailed: scope.counter('reopen_failed'),
  }
}

export class LogWriter {
  readonly path: string
  readonly #files: LogFiles
  readonly #clock: Clock
  readonly #log: Log
  readonly #lines = new LineBuffer()
  #file: LogFile
  #timer: Timer | null = null
  #closed = false
  readonly #onTimer = (): void => {
    this.#timer = null
    this.flush()
  }
  readonly #stats: LogStats
  /** Since the last block that was written whole. */
  #lostBytes = 0
  readonly #onDone = (bytes: Buffer, whole: boolean): void => {
    if (whole) this.#onWhole()
    else this.#onLost(bytes.length)
    this.#lines.giveBack(bytes)
  }

  /** Throws the system's error when the file cannot be opened. */
  constructor(path: string, files: LogFiles, clock: Clock, log: Log, stats: LogStats) {
    this.path = path
    this.#files = files
    this.#clock = clock
    this.#log = log
    this.#stats = stats
    this.#file = files.open(path)
  }

  /** Where the next line goes, to be called `written` after; null once closed. */
  get lines(): LineBuffer | null {
    return this.#closed ? null : this.#lines
  }

  /** A line is whole. */
  written(): void {
    if (this.#lines.length >= FLUSH_BYTES) this.flush()
    else this.#timer ??= this.#clock.setTimer(FLUSH_AFTER_MS, this.#onTimer)
  }

  flush(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#lines.length > 0) this.#file.write(this.#lines.take(), this.#onDone)
  }

  /** Opens the path anew; the old file stays in use when that fails. */
  reopen(): void {
    this.flush()
    try {
      const file = this.#files.open(this.path)
      void this.#file.close()
      this.#file = file
    } catch (error) {
      this.#stats.reopenFailed.value += 1
      this.#log.error('access log could not be reopened', { path: this.path, error: String(error) })
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.flush()
    this.#closed = true
    await this.#file.close()
  }

  #onWhole(): void {
    this.#stats.writeCompleted.value += 1
    if (this.#lostBytes === 0) return
    this.#log.warn('access log is written again', { path: this.path, lostBytes: this.#lostBytes })
    this.#lostBytes = 0
  }

  #onLost(bytes: number): void {
    this.#stats.writeFailed.value += 1
    if (this.#lostBytes === 0) this.#log.error('access log loses lines', { path: this.path })
    this.#lostBytes += bytes
  }
}
