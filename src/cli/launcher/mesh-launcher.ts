// All of a mesh on this machine: the control plane, then gateway and workloads side by side, and all of it down again.

import { join } from 'node:path'
import type { Problem } from '../../base/problem.ts'
import type { Random } from '../../base/random.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { ConfigWatch } from './config-watch.ts'
import { ControlPlaneRunner } from './control-plane-runner.ts'
import { GatewayRunner } from './gateway-runner.ts'
import type { LauncherHost } from './launcher-host.ts'
import { allSynced, type MeshAccess } from './mesh-access.ts'
import type { MeshDirectory } from './mesh-directory.ts'
import { PortAllocator } from './port-allocator.ts'
import { answersWell, becomesReady } from './readiness.ts'
import { WorkloadRunner } from './workload-runner.ts'

export interface MeshLauncherOptions {
  readonly random: Random
  /** 0: any free one; undefined: the one that weft.yaml names. */
  readonly gatewayPort: number | undefined
  /** 0: any free one; undefined: 15014. */
  readonly apiPort: number | undefined
  /** Called for the gateway and for each workload as it becomes ready. */
  readonly onReady: (name: string, what: string) => void
}

export interface StartedMesh {
  /** Null where the mesh has no gateway. */
  readonly gateway: string | null
  readonly api: string
  /** What the resources in mesh/ were refused for. */
  readonly problems: readonly Problem[]
  /** False when nothing answered at the gateway's readyPath in time. */
  readonly answers: boolean
  /** What to open in a browser first. */
  readonly page: string | null
}

const API_PORT = 15_014
const POLL_MS = 25
const SYNCED_MS = 10_000
const ANSWER_MS = 20_000

export class MeshLauncher {
  readonly #host: LauncherHost
  readonly #directory: MeshDirectory
  readonly #options: MeshLauncherOptions
  #controlPlane: ControlPlaneRunner | null = null
  #gateway: GatewayRunner | null = null
  #workloads: WorkloadRunner[] = []
  #watch: ConfigWatch | null = null
  #stopping = false

  constructor(host: LauncherHost, directory: MeshDirectory, options: MeshLauncherOptions) {
    this.#host = host
    this.#directory = directory
    this.#options = options
  }

  /** Rejects with CommandFailure when a part cannot start; the caller then stops what runs. */
  async start(onApi: (api: string, gateway: string | null) => void): Promise<StartedMesh> {
    const allocator = new PortAllocator(join(this.#host.stateDir, 'up.json'), this.#options.random)
    const gatewayPort = this.#directory.gateway === null ? 0 : await this.#claimGatewayPort(allocator)
    // Two meshes may start at the same moment: only what people address has a port that they know.
    this.#controlPlane = new ControlPlaneRunner(this.#host, this.#directory, {
      api: await this.#claimApiPort(allocator),
      xds: await allocator.allocate('control-plane/xds'),
      join: await allocator.allocate('control-plane/join'),
    })
    const adminPort = this.#directory.gateway === null ? 0 : await allocator.allocate('gateway/admin')
    const access = await this.#controlPlane.start()
    const gateway = this.#directory.gateway === null ? null : `http://127.0.0.1:${gatewayPort}`
    onApi(access.mesh.api, gateway)
    this.#watch = new ConfigWatch(this.#host, access.api)
    const problems = await this.#watch.start()
    await this.#createRunners(access, allocator, { admin: adminPort, http: gatewayPort })
    allocator.save()
    await this.#startRunners()
    const answers = await this.#answers(access, gateway, problems)
    const page = gateway === null ? null : gateway + (this.#directory.gateway?.readyPath ?? '')
    return { gateway, api: access.mesh.api, problems, answers, page }
  }

  /** Gateway first: what is under way ends, and nothing new comes in. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#watch?.close()
    await this.#gateway?.stop()
    await Promise.all(this.#workloads.map(workload => workload.stop({ hurry: true })))
    await this.#controlPlane?.stop()
  }

  kill(): void {
    this.#stopping = true
    this.#watch?.close()
    this.#gateway?.kill()
    for (const workload of this.#workloads) workload.kill()
    this.#controlPlane?.kill()
  }

  async #claimGatewayPort(allocator: PortAllocator): Promise<number> {
    const wanted = this.#options.gatewayPort ?? this.#directory.gateway?.port ?? 0
    if (wanted === 0) return allocator.allocate('gateway/http')
    if (await allocator.claim('gateway/http', wanted)) return wanted
    throw new CommandFailure(
      `WEFT-3001: port ${wanted}, for the gateway, is in use; give another with --gateway-port (0: any free one)`,
    )
  }

  async #claimApiPort(allocator: PortAllocator): Promise<number> {
    const wanted = this.#options.apiPort ?? API_PORT
    if (wanted === 0) return allocator.allocate('control-plane/api')
    if (await allocator.claim('control-plane/api', wanted)) return wanted
    throw new CommandFailure(
      `WEFT-3001: port ${wanted}, for the API, is in use; give another with --api-port (0: any free one)`,
    )
  }

  async #createRunners(
    access: MeshAccess,
    allocator: PortAllocator,
    gatewayPorts: { readonly admin: number; readonly http: number },
  ): Promise<void> {
    const { gateway, workloads } = this.#directory
    if (gateway !== null) this.#gateway = new GatewayRunner(this.#host, access, gateway, gatewayPorts)
    this.#workloads = workloads.map(
      spec => new WorkloadRunner(this.#host, access, spec, { allocator, foreground: false }),
    )
    for (const workload of this.#workloads) await workload.allocatePorts()
  }

  async #startRunners(): Promise<void> {
    const starting = this.#workloads.map(async workload => {
      await workload.start()
      this.#options.onReady(workload.spec.name, `${workload.spec.service} ${workload.spec.version}`.trim())
    })
    const gateway = this.#gateway
    if (gateway !== null) {
      starting.push(gateway.start().then(() => this.#options.onReady(gateway.spec.name, 'gateway')))
    }
    await Promise.all(starting)
  }

  /** Ready is what answers: every proxy has what there is, and the application is seen through the gateway. */
  async #answers(access: MeshAccess, gateway: string | null, problems: readonly Problem[]): Promise<boolean> {
    const wait = { clock: this.#host.clock, everyMs: POLL_MS, given: () => this.#stopping }
    await allSynced(this.#host.clock, access, SYNCED_MS, () => this.#stopping)
    const path = this.#directory.gateway?.readyPath ?? ''
    // Without its resources there is nothing to wait for: the person has been told why.
    if (gateway === null || path === '' || problems.some(problem => problem.severity === 'error')) return true
    return becomesReady(() => answersWell(this.#host.fetch, gateway + path), { ...wait, timeoutMs: ANSWER_MS })
  }
}
