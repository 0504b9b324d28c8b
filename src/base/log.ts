// Structured log lines on standard error: one JSON object or one readable line each. Never on the request path.
import type { Clock } from './clock.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
const nothing = (): void => {}

export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** A level below `level` is the function that does nothing: off means free. */
export function createLog(name: string, level: LogLevel, clock: Clock, write: (line: string) => void): Log {
  const at = (own: LogLevel): Log['info'] => {
    if (ORDER.indexOf(own) < ORDER.indexOf(level)) return nothing
    return (message, fields) => write(formatLine(name, own, clock.wallNow(), message, fields))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function formatLine(name: string, level: LogLevel, at: number, message: string, fields: LogFields = {}): string {
  let line = `${new Date(at).toISOString()} ${level} ${name} ${message}`
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const text = String(value)
    line += ` ${key}=${/[\s"=]/.test(text) ? JSON.stringify(text) : text}`
  }
  return `${line}\n`
}
