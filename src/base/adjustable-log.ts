// A log whose level can be changed while the process runs: what /logging does.
import type { Clock } from './clock.ts'
import { createLog, type Log, type LogFields, type LogLevel } from './log.ts'

export class AdjustableLog implements Log {
  readonly #make: (level: LogLevel) => Log
  #level: LogLevel
  #log: Log

  constructor(name: string, level: LogLevel, clock: Clock, write: (line: string) => void) {
    this.#make = wanted => createLog(name, wanted, clock, write)
    this.#level = level
    this.#log = this.#make(level)
  }

  get level(): LogLevel {
    return this.#level
  }

  set level(level: LogLevel) {
    this.#level = level
    this.#log = this.#make(level)
  }

  debug(message: string, fields?: LogFields): void {
    this.#log.debug(message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#log.info(message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#log.warn(message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#log.error(message, fields)
  }
}
