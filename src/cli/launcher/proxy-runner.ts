// The proxy of one workload or gateway: admitted to the mesh, started, ready, and started again when it dies.

import { accessSync, constants, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import type { ProxyProcessConfig } from '../../model/proxy-config.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import type { LauncherHost } from './launcher-host.ts'
import { ManagedProcess, type ProcessExit } from './managed-process.ts'
import { admitProxy, type MeshAccess, proxyFiles } from './mesh-access.ts'
import { processName } from './process-record.ts'
import { PROXY_ENVIRONMENT, PROXY_HEAP_FLAGS } from './proxy-heap.ts'
import { answersWell, becomesReady } from './readiness.ts'

export interface ProxySpec {
  readonly name: string
  readonly namespace: string
  readonly serviceAccount: string
  readonly labels: Readonly<Record<string, string>>
  readonly kind: 'sidecar' | 'router'
  readonly adminPort: number
  /** Every port it will listen on, by name: for `weft ps`. */
  readonly ports: Readonly<Record<string, number>>
  /** A real Envoy's binary, to run with this identity; null: Weft's own data plane. */
  readonly envoy: string | null
}

export interface ProxyRunnerOptions {
  readonly onLost: () => void
  readonly onRecovered: () => void
}

/** As an application has: where all start at once, half of it may be too short. One that ends is told of at once. */
const READY_TIMEOUT_MS = 60_000
/** A control plane that hangs must not keep a proxy from its traffic. */
const RESTART_TOKEN_MS = 500
const READY_POLL_MS = 30
const DRAIN_POLL_MS = 50
const REQUEST_TIMEOUT_MS = 2000
/** After a hot restart, between the end of the predecessor's drain and its own; as Istio's durations lie apart. */
const SHUTDOWN_AFTER_DRAIN_S = 15
/** For what a proxy does besides when it is stopped. */
const STOP_MARGIN_MS = 5000

export class ProxyRunner {
  readonly process: ManagedProcess
  readonly #host: LauncherHost
  readonly #access: MeshAccess
  readonly #spec: ProxySpec
  readonly #options: ProxyRunnerOptions
  #wasReady = false
  #firstExit: ProcessExit | null = null
  #stopping = false

  constructor(host: LauncherHost, access: MeshAccess, spec: ProxySpec, options: ProxyRunnerOptions) {
    this.#host = host
    this.#access = access
    this.#spec = spec
    this.#options = options
    this.process = new ManagedProcess(host, {
      name: spec.kind === 'router' ? spec.name : `${processName(spec)}-proxy`,
      role: spec.kind === 'router' ? 'gateway' : 'proxy',
      command: this.#command(),
      cwd: host.cwd,
      env: { ...PROXY_ENVIRONMENT, ...host.env },
      ports: spec.ports,
      workload: spec.name,
      namespace: spec.namespace,
      restart: true,
      // While the control plane is down there is no token to be had, and none is needed: the proxy has its certificate.
      beforeRestart: () => this.#admit(RESTART_TOKEN_MS),
      firstBackOffMs: 250,
      onRestart: () => void this.#recover(),
      onExit: exit => this.#onExit(exit),
      ...(spec.envoy === null ? { successor: () => this.#pidInCharge() } : {}),
    })
  }

  /** Resolves when the proxy has its config and listens; rejects with CommandFailure when it will not. */
  async start(): Promise<void> {
    await this.#admit()
    this.process.start()
    const ready = await this.#becomesReady(() => this.#firstExit !== null)
    if (!ready) throw new CommandFailure(`WEFT-3005: ${this.#whyNotReady()}`)
    this.#wasReady = true
  }

  /** Lets requests under way end, for `graceMs` and as long as the mesh says at most: new ones are no longer taken. */
  async drain(graceMs: number): Promise<void> {
    await this.#admin('/drain_listeners', 'POST').catch(() => {})
    await becomesReady(async () => (await this.#activeRequests()) === 0, {
      clock: this.#host.clock,
      everyMs: DRAIN_POLL_MS,
      timeoutMs: Math.max(graceMs, this.#access.mesh.proxies.terminationDrainDurationMs),
      given: () => !this.process.running,
    })
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    const { terminationDrainDurationMs } = this.#access.mesh.proxies
    await this.process.stop(Math.max(graceMs, terminationDrainDurationMs + STOP_MARGIN_MS))
  }

  kill(): void {
    this.#stopping = true
    this.process.kill()
  }

  #admit(timeoutMs?: number): Promise<void> {
    const files = proxyFiles(this.#host.stateDir, this.#spec)
    // What a killed one left there would be taken for a successor.
    if (this.#spec.envoy === null) rmSync(files.admin, { force: true })
    return admitProxy(this.#access, files, this.#spec, timeoutMs)
  }

  /** Of the proxy that answers now: after a hot restart no longer the one that was started here. */
  #pidInCharge(): number | undefined {
    try {
      const { pid } = JSON.parse(readFileSync(proxyFiles(this.#host.stateDir, this.#spec).admin, 'utf8'))
      process.kill(pid, 0)
      return pid
    } catch {
      return undefined
    }
  }

  #becomesReady(given: () => boolean): Promise<boolean> {
    const url = `http://127.0.0.1:${this.#spec.adminPort}/ready`
    return becomesReady(() => answersWell(this.#host.fetch, url), {
      clock: this.#host.clock,
      everyMs: READY_POLL_MS,
      timeoutMs: READY_TIMEOUT_MS,
      given,
    })
  }

  #whyNotReady(): string {
    if (this.#firstExit !== null) return `${this.process.describeExit(this.#firstExit)} (${this.process.log.file})`
    return `${this.process.name} was not ready within ${READY_TIMEOUT_MS / 1000} s; see ${this.process.log.file}`
  }

  #onExit(exit: ProcessExit): void {
    if (this.#stopping) return
    if (this.#wasReady) {
      this.#options.onLost()
      return
    }
    // Never ready: whoever waits for the first start is told why, and no second one is tried.
    this.#firstExit = exit
    void this.process.stop(0)
  }

  async #recover(): Promise<void> {
    const ready = await this.#becomesReady(() => this.#stopping || !this.process.running)
    if (ready) this.#options.onRecovered()
  }

  async #admin(path: string, method: string): Promise<string> {
    const response = await this.#host.fetch(`http://127.0.0.1:${this.#spec.adminPort}${path}`, {
      method,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    return response.text()
  }

  /** Of all inbound listeners; Envoy's admin text is `name: value`. */
  async #activeRequests(): Promise<number> {
    const text = await this.#admin('/stats?filter=downstream_rq_active', 'GET')
    let active = 0
    for (const line of text.split('\n')) {
      if (line.startsWith('http.admin')) continue
      const value = /^\S*inbound\S*downstream_rq_active: (\d+)$/.exec(line)?.[1]
      active += Number(value ?? 0)
    }
    return active
  }

  #command(): string[] {
    const { name, namespace, serviceAccount, labels, kind, adminPort, envoy } = this.#spec
    const files = proxyFiles(this.#host.stateDir, this.#spec)
    const { xds, join: joinAddress } = this.#access.mesh
    const [node = '', ...program] = this.#host.self
    return [
      ...[node, ...PROXY_HEAP_FLAGS, ...program],
      'proxy',
      ...['--state', this.#host.stateDir],
      ...['--namespace', namespace, '--service-account', serviceAccount],
      ...(kind === 'router' ? ['--router'] : []),
      ...[
        '--labels',
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
      ],
      ...['--control-plane', xds, '--join', joinAddress],
      ...['--token-file', files.tokenFile, '--trust-bundle', files.trustBundle],
      ...['--admin-port', String(adminPort)],
      ...processOptions(this.#access.mesh.proxies),
      ...(envoy === null ? hotRestartTimes(this.#access.mesh.proxies) : ['--envoy', envoy]),
      ...['--workload', name],
    ]
  }
}

function processOptions({ concurrency, drainDurationMs, terminationDrainDurationMs }: ProxyProcessConfig): string[] {
  const loops = concurrency === 0 ? availableParallelism() : concurrency
  return [
    ...(loops === null ? [] : ['--concurrency', String(loops)]),
    ...['--drain-time-s', String(drainDurationMs / 1000)],
    ...['--termination-drain-time-s', String(terminationDrainDurationMs / 1000)],
  ]
}

function hotRestartTimes({ drainDurationMs }: ProxyProcessConfig): string[] {
  return ['--parent-shutdown-time-s', String(drainDurationMs / 1000 + SHUTDOWN_AFTER_DRAIN_S)]
}

/** The Envoy that ENVOY names, else the one on the PATH; throws CommandFailure for the workload that asked for it. */
export function findEnvoy(env: Readonly<Record<string, string | undefined>>, workload: string): string {
  const named = env['ENVOY'] ?? ''
  if (named !== '') {
    const file = isAbsolute(named) || named.includes('/') ? resolve(named) : searchPath(env, named)
    if (file !== null && isExecutable(file)) return file
    throw new CommandFailure(`WEFT-3006: ${workload} is to run with proxy: envoy, and ENVOY=${named} is no program`)
  }
  const found = searchPath(env, 'envoy')
  if (found !== null) return found
  throw new CommandFailure(
    `WEFT-3006: ${workload} is to run with proxy: envoy, and there is none; set ENVOY to an Envoy binary`,
  )
}

function searchPath(env: Readonly<Record<string, string | undefined>>, program: string): string | null {
  const places = (env['PATH'] ?? '').split(delimiter).filter(place => place !== '')
  return places.map(place => join(place, program)).find(isExecutable) ?? null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
