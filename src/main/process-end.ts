// How a proxy's process ends: by signal, by /quitquitquit, or at once by a second signal or an error nobody foresaw.
import type { Log } from '../base/log.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Calls `stop` at the first signal; the second ends the process. Returns what takes the handlers off. */
export function endOnSignals(log: Log, stop: () => void): () => void {
  let asked = false
  const onSignal = (signal: NodeJS.Signals): void => {
    if (asked) process.exit(1)
    asked = true
    log.info('stopping', { signal })
    stop()
  }
  const onError = (error: unknown): void => {
    log.error('uncaught', { error: error instanceof Error ? error.stack : String(error) })
    process.exit(1)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  process.on('uncaughtException', onError)
  process.on('unhandledRejection', onError)
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal)
    process.off('uncaughtException', onError)
    process.off('unhandledRejection', onError)
  }
}
