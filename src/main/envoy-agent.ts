// The agent of a real Envoy in the place of a Weft proxy: the same identity, served to it by SDS; Envoy as a child.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AdjustableLog } from '../base/adjustable-log.ts'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { systemClock, type Timer } from '../base/clock.ts'
import { systemRandom } from '../base/random.ts'
import { programVersion } from '../cli/client/program-version.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import type { BootstrapInput, ProxyStart, RunningProcess } from '../cli/contract/process-starters.ts'
import { SdsServer } from '../data-plane/identity/sds-server.ts'
import type { WorkloadIdentity } from '../data-plane/identity/workload-identity.ts'
import { CertificateFiles } from '../data-plane/transport-socket/certificate-files.ts'
import { SecretStore, TRUST_BUNDLE_SECRET, WORKLOAD_SECRET } from '../data-plane/transport-socket/secret-store.ts'
import { createNode } from '../data-plane/xds-client/proxy-node.ts'
import { certificateFolder } from './certificate-folder.ts'
import { envoyBootstrapConfig } from './envoy-bootstrap.ts'
import { EnvoyTimes } from './envoy-times.ts'
import { endOnSignals } from './process-end.ts'
import { formatHostPort, openIdentity, proxyFolder } from './proxy-identity.ts'
import { toStandardError } from './standard-error.ts'

export interface EnvoyAgentOptions extends ProxyStart {
  readonly envoy: string
  /** False: the caller minds signals and uncaught errors. */
  readonly standalone?: boolean
}

/** A unix socket's path is short: 104 bytes on macOS, 108 on Linux. */
const MAX_SOCKET_PATH_BYTES = 100
/** Istio's drainDuration and terminationDrainDuration. */
const DRAIN_S = 45
const TERMINATION_DRAIN_S = 5
const DRAIN_POLL_MS = 50
const KILL_AFTER_MS = 2_000

/** The bootstrap that the agent of this workload would give its Envoy, as JSON text. */
export async function envoyBootstrap(input: BootstrapInput): Promise<string> {
  const config = envoyBootstrapConfig({ ...input, sds: { path: sdsSocket(input) }, version: programVersion() })
  return JSON.stringify(config, null, 2)
}

/** Resolves when Envoy has been started; `finished` when it has ended, with an error when nobody asked it to. */
export async function startEnvoyAgent(options: EnvoyAgentOptions): Promise<RunningProcess> {
  const agent = new EnvoyAgent(options)
  await agent.start()
  return agent
}

class EnvoyAgent implements RunningProcess {
  readonly finished: Promise<void>
  readonly #options: EnvoyAgentOptions
  readonly #log = new AdjustableLog('envoy-agent', 'info', systemClock, toStandardError)
  readonly #abort = new AbortController()
  readonly #secrets = new SecretStore()
  readonly #sds = new SdsServer(this.#secrets, names => this.#certificates.want(names))
  readonly #certificates: CertificateFiles
  readonly #finish: (error?: Error) => void
  #removeHandlers: () => void = () => {}
  #child: ChildProcess | null = null
  #identity: WorkloadIdentity | null = null
  #times: EnvoyTimes | null = null
  #killer: Timer | null = null
  #stopping = false

  constructor(options: EnvoyAgentOptions) {
    this.#options = options
    const folder = certificateFolder(options.stateDir)
    this.#certificates = new CertificateFiles(this.#secrets, folder, { clock: systemClock, log: this.#log })
    const finished = Promise.withResolvers<void>()
    this.finished = finished.promise
    this.#finish = error => (error ? finished.reject(error) : finished.resolve())
    if (options.standalone !== false) this.#removeHandlers = endOnSignals(this.#log, () => void this.stop())
  }

  async start(): Promise<void> {
    const options = this.#options
    try {
      const identity = await openIdentity(options, { clock: systemClock, log: this.#log, signal: this.#abort.signal })
      this.#identity = identity
      const share = (): void => {
        this.#secrets.setTrustedCa(TRUST_BUNDLE_SECRET, identity.trustBundle)
        this.#secrets.setKeyPair(WORKLOAD_SECRET, identity.keyPair)
      }
      identity.onChange(share)
      share()
      const socket = sdsSocket(options)
      rmSync(socket, { force: true })
      // The workload's key goes over it: nobody else may connect, not even before a chmod.
      const umask = process.umask(0o177)
      await this.#sds.listen(`unix:${socket}`).finally(() => process.umask(umask))
      this.#startEnvoy(await envoyBootstrap(options))
      this.#reportTimes(identity)
    } catch (error) {
      this.#release()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#abort.abort()
    if (this.#child) {
      await this.#drain()
      this.#child?.kill('SIGTERM')
      this.#killer ??= systemClock.setTimer(KILL_AFTER_MS, () => void this.#child?.kill('SIGKILL'))
    } else this.#end()
    await this.finished.catch(() => {})
  }

  /** Envoy drops what is running at SIGTERM: it is told to take nothing new before, and is waited for. */
  async #drain(): Promise<void> {
    const admin = `http://127.0.0.1:${this.#options.adminPort}`
    const drainMs = (this.#options.terminationDrainSeconds ?? TERMINATION_DRAIN_S) * 1000
    const deadline = systemClock.now() + drainMs
    try {
      const signal = AbortSignal.timeout(drainMs)
      await fetch(`${admin}/drain_listeners?graceful&skip_exit`, { method: 'POST', signal })
      while (this.#child && systemClock.now() < deadline) {
        const stats = await fetch(`${admin}/stats?filter=http\\..*downstream_rq_active`, { signal })
        if (!/: [1-9]/.test(await stats.text())) return
        await new Promise<void>(resolve => systemClock.setTimer(DRAIN_POLL_MS, resolve))
      }
    } catch {
      // No admin interface, no drain: SIGTERM follows either way.
    }
  }

  #startEnvoy(bootstrap: string): void {
    const folder = proxyFolder(this.#options)
    const file = join(folder, 'envoy.json')
    endOrphan(join(folder, 'admin.json'), file)
    writeFileAtomic(file, bootstrap, 0o600)
    const { concurrency = 1, drainTimeSeconds = DRAIN_S } = this.#options
    const args = ['-c', file, '--use-dynamic-base-id', '--concurrency', String(concurrency), '--log-level', 'warning']
    // As Istio starts it: connections of a chain that was replaced end at their next response, not within ten minutes.
    args.push('--drain-time-s', String(drainTimeSeconds), '--drain-strategy', 'immediate')
    // Standard output is Envoy's for access logs to /dev/stdout.
    const child = spawn(this.#options.envoy, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    this.#child = child
    child.once('error', error => {
      this.#child = null
      this.#end(new CommandFailure(`cannot run ${this.#options.envoy}: ${error.message}`))
    })
    child.once('exit', (code, signal) => {
      this.#child = null
      const unasked = new CommandFailure(`envoy ended by itself: ${signal ?? `exit code ${code}`}`)
      this.#end(this.#stopping || code === 0 ? undefined : unasked)
    })
    // The child dies with the agent, whatever ends it.
    const kill = (): void => void child.kill('SIGKILL')
    process.once('exit', kill)
    child.once('exit', () => process.off('exit', kill))
    const { adminPort } = this.#options
    const facts = { pid: child.pid, adminPort, agentPid: process.pid }
    writeFileAtomic(join(folder, 'admin.json'), `${JSON.stringify(facts)}\n`, 0o644)
  }

  #reportTimes(identity: WorkloadIdentity): void {
    const { controlPlane, adminPort } = this.#options
    this.#times = new EnvoyTimes({
      clock: systemClock,
      random: systemRandom,
      log: this.#log,
      node: createNode(this.#options, programVersion()),
      target: formatHostPort(controlPlane),
      credentials: () => identity,
      adminPort,
    })
    this.#times.start()
  }

  #end(error?: Error): void {
    this.#release()
    this.#finish(error)
  }

  #release(): void {
    this.#killer?.cancel()
    this.#times?.stop()
    this.#identity?.stop()
    this.#sds.close()
    this.#certificates.close()
    this.#removeHandlers()
    rmSync(sdsSocket(this.#options), { force: true })
    rmSync(join(proxyFolder(this.#options), 'admin.json'), { force: true })
  }
}

/** An agent that was killed with -9 leaves an Envoy that holds the ports; told from others by its bootstrap's path. */
function endOrphan(adminFile: string, bootstrapFile: string): void {
  try {
    const { pid } = JSON.parse(readFileSync(adminFile, 'utf8')) as { pid: number }
    const { stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    if (stdout.includes(bootstrapFile)) process.kill(pid, 'SIGKILL')
  } catch {
    // None was left.
  }
}

/** In the proxy's folder, else in a temporary directory under a name made from it: the first whose path is short enough. */
function sdsSocket(options: Pick<ProxyStart, 'stateDir' | 'namespace' | 'workload'>): string {
  const inFolder = join(proxyFolder(options), 'sds.sock')
  const name = `weft-${createHash('sha256').update(inFolder).digest('hex').slice(0, 16)}.sock`
  const places = [inFolder, join(tmpdir(), name)]
  return places.find(path => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) ?? join('/tmp', name)
}
