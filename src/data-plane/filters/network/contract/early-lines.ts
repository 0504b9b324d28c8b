// access_log_options, compiled: the same for the connection manager and tcp_proxy, under names of their own.
import type { Duration } from '@bufbuild/protobuf/wkt'
import { durationMs, type ResourceCheck } from '../../../../xds/resource-check.ts'
import type { EarlyLines } from '../../../access-log/early-lines.ts'

interface Said {
  readonly interval: Duration | undefined
  readonly onBegin: boolean
  readonly onConnected: boolean
}

/** `old`: the deprecated fields beside the message, which exclude it. Null: nothing but the last line is asked for. */
export function compileEarlyLines(
  options: Said | undefined,
  old: Said,
  path: string,
  check: ResourceCheck,
): EarlyLines | null {
  const isOldSet = old.interval !== undefined || old.onBegin || old.onConnected
  if (options !== undefined && isOldSet)
    check.error(`${path}.access_log_options`, 'excludes the deprecated fields beside it')
  const { interval, onBegin, onConnected } = options ?? old
  const intervalMs = durationMs(interval, 0)
  const at = options === undefined ? path : `${path}.access_log_options`
  if (interval !== undefined && intervalMs < 1) check.error(`${at}.access_log_flush_interval`, 'must be at least 1ms')
  return intervalMs > 0 || onBegin || onConnected ? { intervalMs, onBegin, onConnected } : null
}
