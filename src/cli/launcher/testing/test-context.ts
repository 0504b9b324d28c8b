// A CliContext for tests: output collected, signals raised by hand, processes started from the fake program.
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../base/clock.ts'
import { systemRandom } from '../../../base/random.ts'
import type { CliContext, StopSignal } from '../../contract/cli-context.ts'

export interface TestContext {
  readonly context: CliContext
  readonly output: { stdout: string; stderr: string }
  readonly raise: (signal: StopSignal) => void
}

export function createTestContext(cwd: string, changes: Partial<CliContext> = {}): TestContext {
  const output = { stdout: '', stderr: '' }
  const listeners = new Set<(signal: StopSignal) => void>()
  const unused = (): never => {
    throw new Error('no process is started in this test')
  }
  const context: CliContext = {
    stdout: text => {
      output.stdout += text
    },
    stderr: text => {
      output.stderr += text
    },
    readStdin: async () => '',
    env: { PATH: process.env['PATH'] },
    cwd,
    clock: systemClock,
    random: systemRandom,
    fetch,
    self: [process.execPath, fileURLToPath(new URL('./fake-program.ts', import.meta.url))],
    onStopSignal: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    starters: { controlPlane: unused, proxy: unused, bootstrap: unused, staticProxy: unused, checkBootstrap: unused },
    allCommands: async () => [],
    ...changes,
  }
  return {
    context,
    output,
    raise: signal => {
      for (const listener of [...listeners]) listener(signal)
    },
  }
}
