// One workload, from registration to its end: proxy ready, then application, then traffic; and the same backwards.
import { connect } from 'node:net'
import { CommandFailure } from '../contract/command-failure.ts'
import { applicationEnvironment } from './application-environment.ts'
import { describedSidecar } from './described-workload.ts'
import { ExecCheck, type RunningCommand, runCheckCommand } from './exec-check.ts'
import { InstanceRegistration } from './instance-registration.ts'
import type { LauncherHost } from './launcher-host.ts'
import { ManagedProcess, type ProcessExit } from './managed-process.ts'
import { allSynced, type MeshAccess } from './mesh-access.ts'
import type { PortAllocator } from './port-allocator.ts'
import { processName } from './process-record.ts'
import { findEnvoy, ProxyRunner } from './proxy-runner.ts'
import { answersWell, becomesReady } from './readiness.ts'
import type { HealthCheckSpec, WorkloadSpec } from './workload-spec.ts'

export interface WorkloadRunnerOptions {
  readonly allocator: PortAllocator
  /** The application's output is the launcher's own, and its end is the end of the workload. */
  readonly foreground: boolean
}

interface WorkloadPorts {
  readonly admin: number
  readonly httpProxy: number
  /** Null: none is asked for. */
  readonly hbone: number | null
  readonly inbound: ReadonlyMap<number, number>
  readonly application: ReadonlyMap<number, number>
}

const LOOPBACK = '127.0.0.1'
const APPLICATION_START_MS = 60_000
const HEALTHY_MS = 30_000
const POLL_MS = 25
const STOP_GRACE_MS = 10_000
const PROPAGATION_MS = 2000

export class WorkloadRunner {
  readonly spec: WorkloadSpec
  readonly #host: LauncherHost
  readonly #access: MeshAccess
  readonly #options: WorkloadRunnerOptions
  #ports: WorkloadPorts | null = null
  #registration: InstanceRegistration | null = null
  #proxy: ProxyRunner | null = null
  #application: ManagedProcess | null = null
  #applicationReady = false
  #proxyReady = false
  #execCheck: ExecCheck | null = null
  #firstExit: ProcessExit | null = null
  /** It has been in routing: from here on a crash is mended, not reported as a failed start. */
  #started = false
  #stopping = false

  constructor(host: LauncherHost, access: MeshAccess, spec: WorkloadSpec, options: WorkloadRunnerOptions) {
    this.#host = host
    this.#access = access
    this.spec = spec
    this.#options = options
  }

  /** Chooses the ports; apart from start, so that all of a mesh are chosen before anything listens. */
  async allocatePorts(): Promise<void> {
    const { allocator } = this.#options
    const key = `${this.spec.namespace}/${this.spec.name}`
    const inbound = new Map<number, number>()
    const application = new Map<number, number>()
    for (const port of this.spec.ports) {
      inbound.set(port.number, await allocator.allocate(`${key}/inbound/${port.number}`))
      application.set(port.number, await allocator.allocate(`${key}/application/${port.number}`))
    }
    const admin = await allocator.allocate(`${key}/admin`)
    const httpProxy = await allocator.allocate(`${key}/http-proxy`)
    const hbone = this.spec.hbone ? await allocator.allocate(`${key}/hbone`) : null
    this.#ports = { admin, httpProxy, hbone, inbound, application }
  }

  /** Resolves when the workload is in routing; rejects with CommandFailure when it cannot be. */
  async start(): Promise<void> {
    const ports = this.#ports
    if (ports === null) throw new Error('ports are allocated before the start')
    const envoy = this.spec.proxy === 'envoy' ? findEnvoy(this.#host.env, this.spec.name) : null
    const registration = this.#createRegistration(ports)
    this.#registration = registration
    await registration.register()
    this.#proxy = this.#createProxy(ports, envoy)
    await this.#proxy.start()
    if (this.#stopping) return
    this.#proxyReady = true
    await this.#startApplication(ports)
    if (this.#stopping || this.#firstExit !== null) return
    await this.#startExecCheck(ports)
    if (this.#stopping || this.#firstExit !== null) return
    this.#applicationReady = true
    this.#started = true
    await registration.setServing(this.#commandIsWell)
    await this.#becomesHealthy(registration)
  }

  get #commandIsWell(): boolean {
    return this.#execCheck?.well ?? true
  }

  /** Whether it came as far as being in routing. */
  get inMesh(): boolean {
    return this.#started
  }

  /** Resolves with how the application of a foreground workload ended. */
  applicationExit(): Promise<ProcessExit> {
    return this.#application?.exited() ?? Promise.resolve({ code: 0, signal: null })
  }

  signalApplication(signal: NodeJS.Signals): void {
    this.#application?.signal(signal)
  }

  /**
   * Deregister, wait until every proxy knows, drain, stop the application, stop the proxy. With `hurry` the whole mesh
   * goes, and nobody is left to be told.
   */
  async stop(options: { readonly hurry: boolean }): Promise<void> {
    this.#stopping = true
    this.#execCheck?.close()
    const registration = this.#registration
    if (options.hurry) registration?.close()
    else {
      await registration?.deregister()
      await allSynced(this.#host.clock, this.#access, PROPAGATION_MS)
      await this.#proxy?.drain(STOP_GRACE_MS)
    }
    await this.#application?.stop(STOP_GRACE_MS)
    await this.#proxy?.stop(STOP_GRACE_MS)
  }

  kill(): void {
    this.#stopping = true
    this.#execCheck?.close()
    this.#registration?.close()
    this.#application?.kill()
    this.#proxy?.kill()
  }

  #createRegistration(ports: WorkloadPorts): InstanceRegistration {
    const { spec } = this
    return new InstanceRegistration(
      this.#host,
      this.#access.api,
      describedSidecar(
        spec,
        number => ({
          applicationPort: ports.application.get(number) ?? number,
          inboundPort: ports.inbound.get(number) ?? number,
        }),
        {
          httpProxyPort: ports.httpProxy,
          adminPort: ports.admin,
          ...(ports.hbone === null ? {} : { hbonePort: ports.hbone }),
        },
      ),
      // A workload without ports serves nobody: there is nothing to check.
      spec.ports.length === 0 ? null : spec.healthCheck,
    )
  }

  #createProxy(ports: WorkloadPorts, envoy: string | null): ProxyRunner {
    const { name, namespace, serviceAccount, labels } = this.spec
    const inbound = [...ports.inbound].map(([number, port]) => [String(number), port] as const)
    const listening = {
      admin: ports.admin,
      'http-proxy': ports.httpProxy,
      ...(ports.hbone === null ? {} : { hbone: ports.hbone }),
      ...Object.fromEntries(inbound),
    }
    return new ProxyRunner(
      this.#host,
      this.#access,
      { name, namespace, serviceAccount, labels, kind: 'sidecar', adminPort: ports.admin, ports: listening, envoy },
      {
        onLost: () => {
          this.#proxyReady = false
          this.#updateServing()
        },
        onRecovered: () => {
          this.#proxyReady = true
          this.#updateServing()
        },
      },
    )
  }

  async #startApplication(ports: WorkloadPorts): Promise<void> {
    const { spec } = this
    const byName = [...ports.application].map(([number, port]) => [String(number), port] as const)
    const application = new ManagedProcess(this.#host, {
      name: processName(spec),
      role: 'application',
      command: spec.command,
      cwd: spec.workingDirectory,
      env: this.#applicationEnvironment(ports),
      ports: Object.fromEntries(byName),
      workload: spec.name,
      namespace: spec.namespace,
      inheritOutput: this.#options.foreground,
      restart: !this.#options.foreground,
      firstBackOffMs: 250,
      onExit: exit => this.#onApplicationExit(exit),
      onRestart: () => void this.#recoverApplication(),
    })
    this.#application = application
    application.start()
    await application.spawned()
    await this.#leaveAlone()
    const ready = await this.#applicationAnswers(APPLICATION_START_MS, () => this.#firstExit !== null || this.#stopping)
    if (this.#stopping || this.#options.foreground) return
    if (this.#firstExit !== null)
      throw new CommandFailure(`WEFT-3005: ${application.describeExit(this.#firstExit)} (${application.log.file})`)
    if (ready) return
    throw new CommandFailure(
      `WEFT-3005: ${spec.name} did not pass its health check within ${APPLICATION_START_MS / 1000} s; see ${application.log.file}`,
    )
  }

  /** Resolves when its command has found it well; in the foreground the application may take its time. */
  async #startExecCheck(ports: WorkloadPorts): Promise<void> {
    const { execCheck: spec, workingDirectory: cwd } = this.spec
    if (!spec) return
    const env = this.#applicationEnvironment(ports)
    const run = (): RunningCommand => runCheckCommand(this.#host, spec.command, { cwd, env })
    const check = new ExecCheck(this.#host.clock, spec, run, () => this.#updateServing())
    this.#execCheck = check
    check.start()
    const wait = { clock: this.#host.clock, everyMs: POLL_MS, timeoutMs: APPLICATION_START_MS }
    const given = (): boolean => this.#stopping || this.#firstExit !== null || this.#options.foreground
    if ((await becomesReady(async () => check.well, { ...wait, given })) || given()) return
    throw new CommandFailure(`WEFT-3005: ${this.spec.name}: "${spec.command.join(' ')}" does not find it well`)
  }

  #applicationEnvironment(ports: WorkloadPorts): Record<string, string | undefined> {
    const where = { byNumber: ports.application, httpProxy: ports.httpProxy }
    return applicationEnvironment(this.spec, where, this.#host.env)
  }

  #onApplicationExit(exit: ProcessExit): void {
    if (this.#stopping) return
    this.#applicationReady = false
    if (this.#started) {
      this.#updateServing()
      return
    }
    // Not once ready: whoever waits for the start is told why, and no second one is tried.
    this.#firstExit = exit
    if (!this.#options.foreground) void this.#application?.stop(0)
  }

  async #recoverApplication(): Promise<void> {
    await this.#leaveAlone()
    const ready = await this.#applicationAnswers(
      APPLICATION_START_MS,
      () => this.#stopping || !this.#application?.running,
    )
    if (!ready) return
    this.#applicationReady = true
    this.#updateServing()
  }

  /** A probe's initial delay; over when the application is. */
  async #leaveAlone(): Promise<void> {
    const { startDelayMs = 0 } = this.spec
    if (startDelayMs === 0) return
    const over = async (): Promise<boolean> => this.#stopping || this.#firstExit !== null
    await becomesReady(over, { clock: this.#host.clock, everyMs: POLL_MS, timeoutMs: startDelayMs })
  }

  /** In routing while both the proxy and the application are there. */
  #updateServing(): void {
    if (this.#stopping) return
    const serving = this.#proxyReady && this.#applicationReady && this.#commandIsWell
    this.#registration?.setServing(serving).catch(() => {})
  }

  async #becomesHealthy(registration: InstanceRegistration): Promise<void> {
    const healthy = await becomesReady(() => registration.isHealthy(), {
      clock: this.#host.clock,
      everyMs: POLL_MS,
      timeoutMs: HEALTHY_MS + verdictAfterMs(this.spec.healthCheck),
      given: () => this.#stopping,
    })
    if (!healthy && !this.#stopping && !this.#options.foreground) {
      throw new CommandFailure(
        `WEFT-3005: the control plane does not find ${this.spec.name} healthy; see "weft get instances"`,
      )
    }
  }

  #applicationAnswers(timeoutMs: number, given: () => boolean): Promise<boolean> {
    return becomesReady(() => this.#probe(), { clock: this.#host.clock, everyMs: POLL_MS, timeoutMs, given })
  }

  /** The same question that the control plane will ask, or a part of it. */
  async #probe(): Promise<boolean> {
    const { http, tcp, grpc } = this.spec.healthCheck
    const number = http?.port ?? tcp?.port ?? grpc?.port ?? this.spec.ports[0]?.number
    const port = number === undefined ? undefined : this.#ports?.application.get(number)
    if (port === undefined) return true
    const isPlain = !http?.tls && !http?.headers
    if (http !== undefined && isPlain) return answersWell(this.#host.fetch, `http://${LOOPBACK}:${port}${http.path}`)
    return accepts(port)
  }
}

/** How long the registry may take beyond its first look. */
function verdictAfterMs({ intervalMs = 0, timeoutMs = 0, healthyThreshold = 1 }: HealthCheckSpec): number {
  return healthyThreshold * (intervalMs + timeoutMs)
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, LOOPBACK, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
