// Which streams an access log is told of: its `filter`, compiled. Asked once for each line.
import { bug } from '../../base/bug.ts'
import type { Random } from '../../base/random.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import type { Criterion } from '../route/criterion.ts'
import type { MetadataCriterion } from '../route/metadata-criterion.ts'
import type { AccessLog, StreamInfo } from '../stream-info.ts'
import type { MetadataPath } from '../stream-metadata.ts'
import { grpcStatusOf } from './operators/grpc-operators.ts'
import { readRequest } from './operators/header-operators.ts'

export interface LogFilter {
  admits(info: StreamInfo): boolean
}

/** A log with a filter before it. */
export class FilteredLog implements AccessLog {
  readonly #filter: LogFilter
  readonly #log: AccessLog

  constructor(filter: LogFilter, log: AccessLog) {
    this.#filter = filter
    this.#log = log
  }

  get needsRecord(): boolean {
    return this.#log.needsRecord
  }

  log(info: StreamInfo): void {
    if (this.#admits(info)) this.#log.log(info)
  }

  /** A log must not throw, whatever a peer has sent. */
  #admits(info: StreamInfo): boolean {
    try {
      return this.#filter.admits(info)
    } catch (error) {
      bug(`a filter of the access log failed: ${error}`)
      return false
    }
  }
}

export class AndFilter implements LogFilter {
  readonly #filters: readonly LogFilter[]

  constructor(filters: readonly LogFilter[]) {
    this.#filters = filters
  }

  admits(info: StreamInfo): boolean {
    for (let i = 0; i < this.#filters.length; i++) if (!this.#filters[i]!.admits(info)) return false
    return true
  }
}

export class OrFilter implements LogFilter {
  readonly #filters: readonly LogFilter[]

  constructor(filters: readonly LogFilter[]) {
    this.#filters = filters
  }

  admits(info: StreamInfo): boolean {
    for (let i = 0; i < this.#filters.length; i++) if (this.#filters[i]!.admits(info)) return true
    return false
  }
}

export type Comparison = (value: number) => boolean

export class StatusFilter implements LogFilter {
  readonly #passes: Comparison

  constructor(passes: Comparison) {
    this.#passes = passes
  }

  admits(info: StreamInfo): boolean {
    return this.#passes(info.responseCode)
  }
}

export class DurationFilter implements LogFilter {
  readonly #passes: Comparison

  constructor(passes: Comparison) {
    this.#passes = passes
  }

  admits(info: StreamInfo): boolean {
    return this.#passes(Math.floor(info.duration))
  }
}

export const NOT_HEALTH_CHECK: LogFilter = { admits: info => !info.isHealthCheck }

/** Digits of the request id that Envoy draws by, so that all proxies of a request log it, or none does. */
const DRAWN_DIGITS = 8

export class FractionFilter implements LogFilter {
  readonly #numerator: number
  readonly #denominator: number
  readonly #random: Random
  /** Of the request id, which decides otherwise, where there is one. */
  readonly #isIndependent: boolean

  constructor(numerator: number, denominator: number, isIndependent: boolean, random: Random) {
    this.#numerator = numerator
    this.#denominator = denominator
    this.#isIndependent = isIndependent
    this.#random = random
  }

  admits(info: StreamInfo): boolean {
    const id = this.#isIndependent ? -1 : drawOf(info.requestId)
    const draw = id >= 0 ? id % this.#denominator : this.#random.next() * this.#denominator
    return draw < this.#numerator
  }
}

function drawOf(requestId: string | null): number {
  if (requestId === null || requestId.length < DRAWN_DIGITS) return -1
  const value = Number.parseInt(requestId.slice(0, DRAWN_DIGITS), 16)
  return Number.isNaN(value) ? -1 : value
}

export class HeaderFilter implements LogFilter {
  readonly #criterion: Criterion
  /** Filled for each question. */
  readonly #head: RequestHead = { method: '', path: '', authority: '', scheme: '', headers: [], protocol: '' }

  constructor(criterion: Criterion) {
    this.#criterion = criterion
  }

  admits(info: StreamInfo): boolean {
    const head = this.#head
    head.method = info.method
    head.path = info.path
    head.authority = info.authority
    head.scheme = readRequest(info, ':scheme') ?? ''
    head.headers = info.requestHeaders
    return this.#criterion.test(head)
  }
}

/** `flags`: bits of RESPONSE_FLAG; any of them. */
export class FlagFilter implements LogFilter {
  readonly #flags: number

  constructor(flags: number) {
    this.#flags = flags
  }

  admits(info: StreamInfo): boolean {
    return (info.responseFlags & this.#flags) !== 0
  }
}

const GRPC_UNKNOWN = 2

export class GrpcStatusFilter implements LogFilter {
  readonly #statuses: ReadonlySet<number>
  readonly #excludes: boolean

  constructor(statuses: ReadonlySet<number>, excludes: boolean) {
    this.#statuses = statuses
    this.#excludes = excludes
  }

  admits(info: StreamInfo): boolean {
    return this.#statuses.has(grpcStatusOf(info) ?? GRPC_UNKNOWN) !== this.#excludes
  }
}

export class MetadataFilter implements LogFilter {
  readonly #place: MetadataPath
  readonly #criterion: MetadataCriterion
  readonly #admitsAbsent: boolean

  constructor(place: MetadataPath, criterion: MetadataCriterion, admitsAbsent: boolean) {
    this.#place = place
    this.#criterion = criterion
    this.#admitsAbsent = admitsAbsent
  }

  admits(info: StreamInfo): boolean {
    return this.#place.valueIn(info) === undefined ? this.#admitsAbsent : this.#criterion.test(info)
  }
}

export class LogTypeFilter implements LogFilter {
  readonly #types: ReadonlySet<number>
  readonly #excludes: boolean

  constructor(types: ReadonlySet<number>, excludes: boolean) {
    this.#types = types
    this.#excludes = excludes
  }

  admits(info: StreamInfo): boolean {
    return this.#types.has(info.logType) !== this.#excludes
  }
}
