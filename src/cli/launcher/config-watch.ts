// Tells the person at `weft up` what became of each save in the watched directory.

import type { Timer } from '../../base/clock.ts'
import type { Problem } from '../../base/problem.ts'
import type { ApiClient } from '../client/api-client.ts'
import { formatProblems } from '../output/print-problems.ts'
import type { LauncherHost } from './launcher-host.ts'

export interface SourceState {
  readonly directory: string | null
  readonly lastLoadedAt: string | number | null
  readonly revision: number
  readonly problems: readonly Problem[]
}

const POLL_MS = 500
const REQUEST_TIMEOUT_MS = 2000

export class ConfigWatch {
  readonly #host: LauncherHost
  readonly #api: ApiClient
  #timer: Timer | null = null
  #closed = false
  #said = ''
  #revision = 0

  constructor(host: LauncherHost, api: ApiClient) {
    this.#host = host
    this.#api = api
  }

  /** Problems of the first reading are returned, not said. */
  async start(): Promise<readonly Problem[]> {
    const state = await this.#read()
    this.#schedule()
    return state?.problems ?? []
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer = this.#host.clock.setTimer(POLL_MS, () => void this.#poll())
  }

  async #poll(): Promise<void> {
    const revisionBefore = this.#revision
    const saidBefore = this.#said
    const state = await this.#read()
    if (state !== null && !this.#closed) {
      const changed = this.#said !== saidBefore
      if (changed && state.problems.length > 0) {
        this.#host.say(
          `a saved file was refused, and nothing has changed:\n${formatProblems(state.problems).trimEnd()}`,
        )
      } else if (state.revision > revisionBefore) this.#host.say(`configuration is at revision ${state.revision}`)
      else if (changed) this.#host.say(`the saved files are in order again: they are revision ${state.revision}`)
    }
    this.#schedule()
  }

  async #read(): Promise<SourceState | null> {
    try {
      const state = await this.#api.get<SourceState>('/v1/sources', REQUEST_TIMEOUT_MS)
      this.#said = JSON.stringify(state.problems)
      this.#revision = state.revision
      return state
    } catch {
      return null
    }
  }
}
