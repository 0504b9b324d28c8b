// A watched directory as a source of config: what is saved there takes effect at once, or changes nothing and says why.
import { type FSWatcher, watch } from 'node:fs'
import type { Clock, Timer } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import type { Problem } from '../../../base/problem.ts'
import type { SourceText } from '../../../model/source-text.ts'
import { fingerprint, listConfigFiles, readConfigFiles, TooMuchConfig } from './read-directory.ts'

/** What became of a directory's content. */
export interface TakeOutcome {
  readonly accepted: boolean
  readonly revision: number
  readonly problems: readonly Problem[]
}

export interface DirectorySourceParts {
  readonly directory: string
  readonly clock: Clock
  readonly log: Log
  /** Takes the whole content over, or nothing of it. */
  readonly take: (documents: readonly SourceText[]) => TakeOutcome
  /** Called with every problem, once per save. */
  readonly report: (problems: readonly Problem[]) => void
}

export interface DirectorySourceState {
  readonly directory: string
  /** Milliseconds since the epoch; null: never. */
  readonly lastLoadedAt: number | null
  readonly revision: number
  readonly problems: readonly Problem[]
}

/** A save is several events; it is over when nothing has happened for so long. */
const QUIET_MS = 100
/** File events get lost (network mounts, full queues, a directory replaced); looking is slower and sees everything. */
const POLL_MS = 400

export class DirectorySource {
  readonly #parts: DirectorySourceParts
  #watcher: FSWatcher | null = null
  #poll: Timer | null = null
  #quiet: Timer | null = null
  #seen: string | null = null
  #pending: string | null = null
  #refused = false
  #closed = false
  #state: DirectorySourceState

  constructor(parts: DirectorySourceParts) {
    this.#parts = parts
    this.#state = { directory: parts.directory, lastLoadedAt: null, revision: 0, problems: [] }
  }

  get state(): DirectorySourceState {
    return this.#state
  }

  /** Loads what is there, then watches. */
  start(): void {
    this.#load()
    this.#watch()
    this.#schedulePoll()
  }

  /** Something else has changed that the content may have been refused for. */
  retry(): void {
    if (this.#refused) this.#load()
  }

  close(): void {
    this.#closed = true
    this.#watcher?.close()
    this.#poll?.cancel()
    this.#quiet?.cancel()
  }

  #watch(): void {
    this.#watcher?.close()
    this.#watcher = null
    try {
      this.#watcher = watch(this.#parts.directory, { recursive: true, persistent: false }, () => this.#look())
      // The watcher ends with its directory; the poll finds a new one.
      this.#watcher.on('error', () => this.#unwatch())
    } catch {
      this.#unwatch()
    }
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = null
  }

  #schedulePoll(): void {
    const started = this.#parts.clock.now()
    if (this.#closed) return
    this.#look()
    // A large directory is looked at less often: never more than a twentieth of the time.
    const delayMs = Math.max(POLL_MS, 20 * (this.#parts.clock.now() - started))
    this.#poll = this.#parts.clock.setTimer(delayMs, () => this.#schedulePoll())
  }

  /** Loads once the directory differs from what was loaded, and has stopped changing. */
  #look(): void {
    if (this.#closed) return
    const now = this.#fingerprint()
    if (now === this.#seen) {
      this.#pending = null
      this.#quiet?.cancel()
      return
    }
    if (now === this.#pending) return
    this.#pending = now
    this.#quiet?.cancel()
    this.#quiet = this.#parts.clock.setTimer(QUIET_MS, () => this.#settle())
  }

  #settle(): void {
    if (this.#closed) return
    const now = this.#fingerprint()
    if (now !== this.#pending) {
      this.#pending = null
      this.#look()
      return
    }
    this.#pending = null
    this.#load()
    if (this.#watcher === null) this.#watch()
  }

  #fingerprint(): string {
    try {
      return fingerprint(listConfigFiles(this.#parts.directory))
    } catch (error) {
      return `unreadable: ${(error as Error).message}`
    }
  }

  #load(): void {
    const before = this.#fingerprint()
    let documents: readonly SourceText[]
    try {
      documents = readConfigFiles(listConfigFiles(this.#parts.directory))
    } catch (error) {
      this.#unreadable(before, error as Error)
      return
    }
    // Written to while it was read: what was read may be torn, and another look is due anyway.
    if (this.#fingerprint() !== before) {
      this.#seen = null
      return
    }
    const again = before === this.#seen
    this.#seen = before
    this.#conclude(this.#parts.take(documents), documents.length, again)
  }

  #conclude(outcome: TakeOutcome, files: number, again: boolean): void {
    const { clock, log, report, directory } = this.#parts
    const { revision, problems, accepted } = outcome
    const lastLoadedAt = accepted ? clock.wallNow() : this.#state.lastLoadedAt
    // A retry of refused content is news only when it succeeds.
    if (!(again && this.#refused && !accepted)) {
      report(problems)
      if (accepted) log.info('config directory taken over', { directory, files, revision })
      else log.error('config directory refused: nothing was changed', { directory, problems: problems.length })
    }
    this.#refused = !accepted
    this.#state = { directory, lastLoadedAt, revision, problems }
  }

  /** A directory that is not there is not an empty one: its objects stay. */
  #unreadable(seen: string, error: Error): void {
    this.#seen = seen
    const problem: Problem = {
      code: error instanceof TooMuchConfig ? 'WEFT-2017' : 'WEFT-2016',
      severity: 'error',
      message: error.message,
      object: this.#parts.directory,
    }
    this.#state = { ...this.#state, problems: [problem] }
    this.#parts.report([problem])
    this.#parts.log.error('config directory cannot be read: nothing was changed', { why: error.message })
    this.#unwatch()
  }
}
