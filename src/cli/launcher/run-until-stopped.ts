// The life of a launcher: start, stay until told to stop, stop in order; a second Ctrl-C ends it at once.
import type { CliContext } from '../contract/cli-context.ts'
import type { LauncherHost } from './launcher-host.ts'
import { type ProcessRole, removeProcessRecord, writeProcessRecord } from './process-record.ts'

export interface LauncherLife {
  /** Name of its process record. */
  readonly name: string
  readonly role: ProcessRole
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Without any grace. */
  readonly kill: () => void
  /** Resolves when there is nothing left to stay for; absent: it stays until told to stop. */
  readonly done?: () => Promise<unknown>
}

/** One Ctrl-C can arrive twice, from the terminal and from npm, which passes it on: that is not a second one. */
const SAME_SIGNAL_MS = 700

/** Resolves when all is stopped; rejects when the start failed, all being stopped again. */
export async function runUntilStopped(context: CliContext, host: LauncherHost, life: LauncherLife): Promise<void> {
  writeProcessRecord(host.stateDir, {
    name: life.name,
    role: life.role,
    pid: process.pid,
    ports: {},
    startedAt: new Date(context.clock.wallNow()).toISOString(),
  })
  host.reaper.start()
  let stopSignalled: () => void = () => {}
  const signalled = new Promise<'signalled'>(resolve => {
    stopSignalled = () => resolve('signalled')
  })
  let firstAt: number | null = null
  const off = context.onStopSignal(() => {
    const now = context.clock.now()
    firstAt ??= now
    stopSignalled()
    if (now - firstAt > SAME_SIGNAL_MS) life.kill()
  })
  try {
    await live(life, signalled)
  } finally {
    await host.reaper.close()
    removeProcessRecord(host.stateDir, life.name)
    off()
  }
}

async function live(life: LauncherLife, signalled: Promise<'signalled'>): Promise<void> {
  const starting = life.start().then(
    () => 'started' as const,
    (error: unknown) => ({ error }),
  )
  const first = await Promise.race([starting, signalled])
  if (typeof first === 'object') {
    await life.stop()
    throw first.error
  }
  if (first === 'started') await Promise.race([signalled, life.done?.() ?? signalled])
  await life.stop()
  // A start that was overtaken by the stop may have begun one more process since.
  if (first === 'signalled') {
    await starting
    life.kill()
  }
}
