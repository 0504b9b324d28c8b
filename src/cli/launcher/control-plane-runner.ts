// The control plane as a child of `weft up`: started, answering, and started again when it dies.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MeshAnswer } from '../client/api-answer.ts'
import { ApiClient } from '../client/api-client.ts'
import { readOperatorTokenFile } from '../client/mesh-location.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import type { LauncherHost } from './launcher-host.ts'
import { ManagedProcess, type ProcessExit } from './managed-process.ts'
import type { MeshAccess } from './mesh-access.ts'
import type { MeshDirectory } from './mesh-directory.ts'
import { becomesReady } from './readiness.ts'

export interface ControlPlanePorts {
  readonly api: number
  readonly xds: number
  readonly join: number
}

const START_TIMEOUT_MS = 60_000
const POLL_MS = 25
const STOP_GRACE_MS = 5000
const API_TIMEOUT_MS = 5000

export class ControlPlaneRunner {
  readonly process: ManagedProcess
  readonly ports: ControlPlanePorts
  readonly #host: LauncherHost
  #started = false
  #firstExit: ProcessExit | null = null

  constructor(host: LauncherHost, directory: MeshDirectory, ports: ControlPlanePorts) {
    this.#host = host
    this.ports = ports
    this.process = new ManagedProcess(host, {
      name: 'control-plane',
      role: 'control-plane',
      command: [
        ...host.self,
        'control-plane',
        ...['--api-port', String(ports.api), '--xds-port', String(ports.xds), '--join-port', String(ports.join)],
        ...(directory.configDirectory === null ? [] : ['--config', directory.configDirectory]),
        ...meshConfigArguments(host.stateDir, directory),
        ...['--state', host.stateDir],
      ],
      cwd: host.cwd,
      env: host.env,
      ports: { ...ports },
      restart: true,
      onExit: exit => {
        if (this.#started) return
        this.#firstExit = exit
        void this.process.stop(0)
      },
    })
  }

  /** Resolves when the API answers; rejects with CommandFailure when the control plane will not run. */
  async start(): Promise<MeshAccess> {
    this.process.start()
    let access: MeshAccess | null = null
    const check = async (): Promise<boolean> => {
      const api = this.#client()
      const mesh = await api.get<MeshAnswer>('/v1/mesh')
      if (mesh.pid === this.process.pid) access = { api, mesh }
      return access !== null
    }
    const options = { clock: this.#host.clock, everyMs: POLL_MS, timeoutMs: START_TIMEOUT_MS }
    await becomesReady(check, { ...options, given: () => this.#firstExit !== null })
    if (access === null) throw new CommandFailure(`WEFT-3005: ${this.#whyNot()}`)
    this.#started = true
    return access
  }

  stop(): Promise<void> {
    return this.process.stop(STOP_GRACE_MS)
  }

  kill(): void {
    this.process.kill()
  }

  #client(): ApiClient {
    const baseUrl = `http://127.0.0.1:${this.ports.api}`
    return new ApiClient({
      baseUrl,
      token: readOperatorTokenFile(this.#host.stateDir),
      fetch: this.#host.fetch,
      whenUnreachable: `the control plane does not answer at ${baseUrl}`,
      timeoutMs: API_TIMEOUT_MS,
    })
  }

  #whyNot(): string {
    if (this.#firstExit !== null) return `${this.process.describeExit(this.#firstExit)} (${this.process.log.file})`
    return `the control plane did not answer within ${START_TIMEOUT_MS / 1000} s; see ${this.process.log.file}`
  }
}

/** The part of weft.yaml, as a file of its own. */
function meshConfigArguments(stateDir: string, directory: MeshDirectory): string[] {
  if (directory.meshConfigText === null) return []
  const file = join(stateDir, 'mesh-config.yaml')
  mkdirSync(stateDir, { recursive: true })
  writeFileSync(file, directory.meshConfigText)
  return ['--mesh-config', file]
}
