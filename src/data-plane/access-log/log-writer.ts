// Gathers lines for one file and writes them in blocks, as Envoy does: at 64 KiB, after a second, and at the close.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { LogFile, LogFiles } from './log-file.ts'

const FLUSH_BYTES = 65_536
const FLUSH_AFTER_MS = 1000

export class LogWriter {
  readonly path: string
  readonly #files: LogFiles
  readonly #clock: Clock
  readonly #log: Log
  #file: LogFile
  #pending = ''
  #timer: Timer | null = null
  #closed = false
  readonly #onTimer = (): void => {
    this.#timer = null
    this.flush()
  }

  /** Throws the system's error when the file cannot be opened. */
  constructor(path: string, files: LogFiles, clock: Clock, log: Log) {
    this.path = path
    this.#files = files
    this.#clock = clock
    this.#log = log
    this.#file = files.open(path)
  }

  write(line: string): void {
    if (this.#closed) return
    this.#pending += line
    if (this.#pending.length >= FLUSH_BYTES) this.flush()
    else this.#timer ??= this.#clock.setTimer(FLUSH_AFTER_MS, this.#onTimer)
  }

  flush(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#pending === '') return
    const text = this.#pending
    this.#pending = ''
    this.#file.write(text)
  }

  /** Opens the path anew; the old file stays in use when that fails. */
  reopen(): void {
    this.flush()
    try {
      const file = this.#files.open(this.path)
      this.#file.close()
      this.#file = file
    } catch (error) {
      this.#log.error('access log could not be reopened', { path: this.path, error: String(error) })
    }
  }

  close(): void {
    if (this.#closed) return
    this.flush()
    this.#closed = true
    this.#file.close()
  }
}
