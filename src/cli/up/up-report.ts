// What `weft up` says while it starts, when it is ready, and when it stops: one screen for a person, one line for a script.
import type { CliContext } from '../contract/cli-context.ts'
import type { StartedMesh } from '../launcher/mesh-launcher.ts'
import { formatProblems, hasErrors } from '../output/print-problems.ts'

export interface UpReportOptions {
  readonly json: boolean
  readonly state: string
  readonly commands: readonly string[]
}

const NAME_WIDTH = 24

export class UpReport {
  readonly #context: CliContext
  readonly #options: UpReportOptions
  readonly #write: (text: string) => void
  readonly #startedAt: number
  #directory = ''

  constructor(context: CliContext, options: UpReportOptions) {
    this.#context = context
    this.#options = options
    this.#write = options.json ? context.stderr : context.stdout
    this.#startedAt = context.clock.now()
  }

  begin(directory: string, api: string, gateway: string | null): void {
    this.#directory = directory
    this.#write(`weft up ${this.#directory}\n\n`)
    if (gateway !== null) this.#write(`  gateway  ${gateway}\n`)
    this.#write(`  API      ${api}   (a reference to read in the browser)\n  state    ${this.#options.state}\n\n`)
  }

  ready(name: string, what: string): void {
    this.#write(`  ${name.padEnd(NAME_WIDTH)} ready   ${this.#elapsed().padStart(6)}   ${what}\n`)
  }

  finish(started: StartedMesh): void {
    if (started.problems.length > 0) this.#context.stderr(`\n${formatProblems(started.problems)}`)
    if (!started.answers)
      this.#context.stderr('weft: the gateway does not answer as expected yet; the logs are in the state directory\n')
    if (this.#options.json) {
      const line = { gateway: started.gateway, api: started.api, state: this.#options.state }
      this.#context.stdout(`${JSON.stringify(line)}\n`)
      return
    }
    const page = started.page === null ? '' : `: ${started.page}`
    const how = hasErrors(started.problems)
      ? `runs after ${this.#elapsed()}, without what was refused above; mend and save it, and it is taken`
      : `is ready after ${this.#elapsed()}${page}`
    this.#write(`\n  The mesh ${how}\n\n  Worth trying next, in another terminal:\n\n`)
    for (const command of this.#options.commands) this.#write(`    ${command}\n`)
    this.#write('\n  Ctrl-C stops all of it.\n')
  }

  say(line: string): void {
    this.#write(`  ${line.replaceAll('\n', '\n  ')}\n`)
  }

  /** Nothing is said of a mesh that never began. */
  stopping(): void {
    if (this.#directory !== '') this.#write('\n  stopping ...\n')
  }

  #elapsed(): string {
    return `${((this.#context.clock.now() - this.#startedAt) / 1000).toFixed(1)} s`
  }
}
