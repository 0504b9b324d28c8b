// The access loggers of one process: compiled from config, writing to files that they share by path.
import type { Any } from '@bufbuild/protobuf/wkt'
import { bug } from '../../base/bug.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Parsed } from '../../base/problem.ts'
import { unpackAny } from '../../xds/any-pack.ts'
import type { SubstitutionFormatString } from '../../xds/generated/envoy/config/core/v3/substitution_format_string_pb.ts'
import {
  type FileAccessLog,
  FileAccessLogSchema,
} from '../../xds/generated/envoy/extensions/access_loggers/file/v3/file_pb.ts'
import {
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
} from '../../xds/generated/envoy/extensions/access_loggers/stream/v3/stream_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import type { StatsScope } from '../stats/stats-scope.ts'
import type { AccessLog, StreamInfo } from '../stream-info.ts'
import { type CompiledFormatString, checkFormatString, compileFormatString, takeLine } from './format-string.ts'
import type { LogFiles } from './log-file.ts'
import { compileJsonFormat, compileTextFormat, type LineFormat } from './log-format.ts'
import { createLogStats, type LogStats, LogWriter } from './log-writer.ts'

export interface AccessLogsHost {
  readonly clock: Clock
  readonly log: Log
  readonly files: LogFiles
  readonly stats: StatsScope
}

/** Envoy's format where config gives none. */
const DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n'

export class AccessLogs {
  readonly #host: AccessLogsHost
  readonly #stats: LogStats
  readonly #writers = new Map<string, LogWriter>()

  constructor(host: AccessLogsHost) {
    this.#host = host
    this.#stats = createLogStats(host.stats)
  }

  /** A logger, or every problem with its config. Its lines are written within a second, or when 64 KiB have gathered. */
  compile(typedConfig: Any): Parsed<AccessLog> {
    const check = new ResourceCheck(`access log ${typedConfig.typeUrl.split('.').at(-1)}`)
    const file = unpackAny(typedConfig, FileAccessLogSchema)
    const stdout = unpackAny(typedConfig, StdoutAccessLogSchema)
    const stream = stdout ?? unpackAny(typedConfig, StderrAccessLogSchema)
    if (file === null && stream === null) {
      check.unsupported('typed_config', `${typedConfig.typeUrl || 'an empty config'} is not supported`)
      return check.result<AccessLog>(NO_LOG)
    }
    const path = file !== null ? file.path : stdout !== null ? '/dev/stdout' : '/dev/stderr'
    if (path === '') check.error('path', 'must not be empty')
    const line = file !== null ? compileFileFormat(file, check) : compileLogFormat(stream?.accessLogFormat.value, check)
    const writer = check.problems.length === 0 ? this.#writer(path, check) : null
    return check.result<AccessLog>(writer === null ? NO_LOG : new LineLog(line, writer))
  }

  /** Opens every file anew, after log rotation. */
  reopen(): void {
    for (const writer of this.#writers.values()) writer.reopen()
  }

  /** Writes out what is buffered. */
  flush(): void {
    for (const writer of this.#writers.values()) writer.flush()
  }

  /** Flushes and closes; loggers write nothing from then on. */
  async close(): Promise<void> {
    const writers = [...this.#writers.values()]
    this.#writers.clear()
    await Promise.all(writers.map(writer => writer.close()))
  }

  #writer(path: string, check: ResourceCheck): LogWriter | null {
    const known = this.#writers.get(path)
    if (known !== undefined) return known
    try {
      const { files, clock, log } = this.#host
      const writer = new LogWriter(path, files, clock, log, this.#stats)
      this.#writers.set(path, writer)
      return writer
    } catch (error) {
      check.error('path', `cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
      return null
    }
  }
}

class LineLog implements AccessLog {
  readonly needsRecord: boolean
  readonly #line: LineFormat
  readonly #writer: LogWriter

  constructor({ line, needsRecord }: CompiledFormatString, writer: LogWriter) {
    this.needsRecord = needsRecord
    this.#line = line
    this.#writer = writer
  }

  log(info: StreamInfo): void {
    const { lines } = this.#writer
    if (lines === null) return
    const begin = lines.length
    // What a peer sent is read here for the first time, at the end of its stream: a mistake there must not end the process.
    try {
      this.#line(info, lines)
    } catch (error) {
      lines.truncate(begin)
      bug(`a line of the access log failed: ${error}`)
      return
    }
    this.#writer.written()
  }
}

/** Stands in where problems keep the config from being taken. */
const NO_LOG: AccessLog = { needsRecord: false, log: () => {} }

function compileFileFormat(file: FileAccessLog, check: ResourceCheck): CompiledFormatString {
  const { accessLogFormat: format } = file
  switch (format.case) {
    case 'format':
      return takeLine(compileTextFormat(format.value, false), 'format', check)
    case 'jsonFormat':
      return takeLine(compileJsonFormat(format.value, false), 'json_format', check)
    case 'typedJsonFormat':
      return takeLine(compileJsonFormat(format.value, false), 'typed_json_format', check)
    default:
      return compileLogFormat(format.value, check)
  }
}

function compileLogFormat(format: SubstitutionFormatString | undefined, check: ResourceCheck): CompiledFormatString {
  if (format?.format.case !== undefined) return compileFormatString(format, 'log_format', true, check)
  if (format !== undefined) checkFormatString(format, 'log_format', check)
  return takeLine(compileTextFormat(DEFAULT_FORMAT, false), '', check)
}
