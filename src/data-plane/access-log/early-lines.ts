// Lines of the access log before a stream's last one: when it begins, when it stands, and while it lasts
// (access_log_options of the connection manager and of tcp_proxy).
import type { Clock } from '../../base/clock.ts'
import { type TimerWheel, WheelTimer } from '../../base/timer-wheel.ts'
import type { AccessLog, StreamInfo } from '../stream-info.ts'

export interface EarlyLines {
  /** A request has come and is about to meet the filters; of TCP, never. */
  readonly onBegin: boolean
  /** The tunnel is agreed on; of TCP, the endpoint is connected. */
  readonly onConnected: boolean
  /** Milliseconds; 0: none in between. */
  readonly intervalMs: number
}

/** What lines are written with. */
export interface LineTools {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly accessLogs: readonly AccessLog[]
}

/** `type` is one of ACCESS_LOG_TYPE. */
export function writeLine(info: StreamInfo, { clock, accessLogs }: LineTools, type: number): void {
  info.duration = clock.now() - info.startedAt
  tellLogs(info, accessLogs, type)
}

/** The same, once the stream's duration is known. */
export function tellLogs(info: StreamInfo, accessLogs: readonly AccessLog[], type: number): void {
  info.logType = type
  for (let i = 0; i < accessLogs.length; i++) accessLogs[i]!.log(info)
}

/** A line each interval, until it is stopped. */
export class PeriodicLines {
  readonly #timer = new WheelTimer(this, 0)
  readonly #info: StreamInfo
  readonly #tools: LineTools
  readonly #intervalMs: number
  readonly #type: number

  constructor(info: StreamInfo, tools: LineTools, intervalMs: number, type: number) {
    this.#info = info
    this.#tools = tools
    this.#intervalMs = intervalMs
    this.#type = type
    tools.wheel.set(this.#timer, intervalMs)
  }

  onTimer(): void {
    writeLine(this.#info, this.#tools, this.#type)
    this.#tools.wheel.set(this.#timer, this.#intervalMs)
  }

  stop(): void {
    this.#tools.wheel.cancel(this.#timer)
  }
}
