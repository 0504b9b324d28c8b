// A check that only the launcher can make: a command beside the application, whose exit code says whether it is well.
import { spawn } from 'node:child_process'
import type { Clock, Timer } from '../../base/clock.ts'
import type { LauncherHost } from './launcher-host.ts'
import { killGroup } from './managed-process.ts'

export interface ExecCheckSpec {
  readonly command: readonly string[]
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly healthyThreshold: number
  readonly unhealthyThreshold: number
}

export interface RunningCommand {
  /** True: it ended with exit code 0. Never rejects. */
  readonly succeeded: Promise<boolean>
  kill(): void
}

export class ExecCheck {
  readonly #clock: Clock
  readonly #spec: ExecCheckSpec
  readonly #run: () => RunningCommand
  readonly #onTurn: (well: boolean) => void
  #well = false
  /** Results in a row that contradict `well`. */
  #contradictions = 0
  #running: RunningCommand | null = null
  #timer: Timer | null = null
  #closed = false

  /** Unwell until it has been found well. `onTurn` is called when the verdict turns. */
  constructor(clock: Clock, spec: ExecCheckSpec, run: () => RunningCommand, onTurn: (well: boolean) => void) {
    this.#clock = clock
    this.#spec = spec
    this.#run = run
    this.#onTurn = onTurn
  }

  get well(): boolean {
    return this.#well
  }

  start(): void {
    if (this.#closed || this.#running) return
    const running = this.#run()
    this.#running = running
    this.#timer = this.#clock.setTimer(this.#spec.timeoutMs, () => running.kill())
    void running.succeeded.then(succeeded => this.#judge(succeeded))
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#running?.kill()
  }

  #judge(succeeded: boolean): void {
    this.#running = null
    this.#timer?.cancel()
    if (this.#closed) return
    const { intervalMs, healthyThreshold, unhealthyThreshold } = this.#spec
    this.#contradictions = succeeded === this.#well ? 0 : this.#contradictions + 1
    if (this.#contradictions >= (succeeded ? healthyThreshold : unhealthyThreshold)) {
      this.#well = succeeded
      this.#contradictions = 0
      this.#onTurn(succeeded)
    }
    this.#timer = this.#clock.setTimer(intervalMs, () => this.start())
  }
}

/** Without a shell, as Kubernetes has it; with all that it starts it is gone when it ends or is killed. */
export function runCheckCommand(
  host: LauncherHost,
  command: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): RunningCommand {
  const [program = '', ...words] = command
  const child = spawn(program, words, { cwd: options.cwd, env: { ...options.env }, detached: true, stdio: 'ignore' })
  const { pid } = child
  if (pid !== undefined) host.reaper.add(pid)
  const kill = (): void => {
    if (pid !== undefined) killGroup(pid, 'SIGKILL')
  }
  const succeeded = new Promise<boolean>(resolve => {
    const ended = (success: boolean): void => {
      kill()
      if (pid !== undefined) host.reaper.remove(pid)
      resolve(success)
    }
    child.once('exit', code => ended(code === 0))
    child.once('error', () => ended(false))
  })
  return { succeeded, kill }
}
