// The control plane's process: everything it is made of, in the order in which one part needs the other.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { onBug } from '../base/bug.ts'
import { type Clock, systemClock, type Timer } from '../base/clock.ts'
import { createLog, type Log } from '../base/log.ts'
import { formatProblem, type Problem } from '../base/problem.ts'
import { systemRandom } from '../base/random.ts'
import { programVersion } from '../cli/client/program-version.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import type { ControlPlaneStart, RunningProcess } from '../cli/contract/process-starters.ts'
import { AdsServer } from '../control-plane/ads/ads-server.ts'
import { adsService } from '../control-plane/ads/ads-service.ts'
import { openApiServer } from '../control-plane/api/api-server.ts'
import { configOperations } from '../control-plane/api/config-operations.ts'
import { type MeshFacts, meshOperations } from '../control-plane/api/mesh-operations.ts'
import { registryOperations } from '../control-plane/api/registry-operations.ts'
import { rolloutOperations } from '../control-plane/api/rollout-operations.ts'
import { CertificateAuthority } from '../control-plane/ca/certificate-authority.ts'
import { joinService, renewalService } from '../control-plane/ca/certificate-service.ts'
import { JoinTokens } from '../control-plane/ca/join-tokens.ts'
import { openOperatorToken } from '../control-plane/ca/operator-token.ts'
import { openMeshListener } from '../control-plane/grpc/mesh-listener.ts'
import { type AuthenticatedCall, peerIdentity } from '../control-plane/grpc/peer-identity.ts'
import { LoadReports } from '../control-plane/load/load-reports.ts'
import { loadService } from '../control-plane/load/load-service.ts'
import { openOnPort, PortInUse } from '../control-plane/port-choice.ts'
import type { CounterStore } from '../control-plane/rate-limit/counter-store.ts'
import { GlobalRateLimits } from '../control-plane/rate-limit/global-rate-limits.ts'
import { Registry } from '../control-plane/registry/registry.ts'
import { RolloutStore } from '../control-plane/rollout/rollout-store.ts'
import { Rollouts } from '../control-plane/rollout/rollouts.ts'
import { SnapshotSource } from '../control-plane/snapshot/snapshot-source.ts'
import { CONFIG_SOURCES, type ConfigSourceProcess } from '../control-plane/sources/registry.ts'
import { acquireStateLock } from '../control-plane/state-lock.ts'
import { Metrics } from '../control-plane/status/metrics.ts'
import { ConfigEditor } from '../control-plane/store/config-editor.ts'
import { ConfigStore } from '../control-plane/store/config-store.ts'
import { openDatabase } from '../control-plane/store/database.ts'
import { DirectoryMemory } from '../control-plane/store/directory-memory.ts'
import { Settings } from '../control-plane/store/settings.ts'
import { DEFAULT_MESH_CONFIG, type MeshConfig } from '../model/mesh-config.ts'
import { link } from '../translate/link/link.ts'
import { parseMeshConfig } from '../translate/parse-mesh-config.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import { AggregatedDiscoveryService } from '../xds/generated/envoy/service/discovery/v3/ads_pb.ts'
import { LoadReportingService } from '../xds/generated/envoy/service/load_stats/v3/lrs_pb.ts'
import { RateLimitService } from '../xds/generated/envoy/service/ratelimit/v3/rls_pb.ts'
import { IstioCertificateService } from '../xds/generated/istio/v1/auth/ca_pb.ts'
import { grpcServiceDefinition } from '../xds/grpc-service-definition.ts'
import { toStandardError } from './standard-error.ts'

export interface ControlPlaneOptions extends ControlPlaneStart {
  /** A further xDS port without TLS for gRPC clients of this machine; absent: none. */
  readonly xdsPlaintextPort?: number
  /** Longest life of a workload's certificate; absent: 24 hours. */
  readonly maxCertificateLifeMs?: number
  /** False: the caller minds SIGTERM and SIGINT, and nothing is printed on standard output. */
  readonly standalone?: boolean
  readonly clock?: Clock
  readonly log?: Log
}

export interface RunningControlPlane extends RunningProcess {
  readonly mesh: MeshFacts
  /** 0: none. */
  readonly xdsPlaintextPort: number
}

const DEFAULT_PORTS = { api: 15_014, xds: 15_012, join: 15_013 }
const DAY_MS = 86_400_000
const CLOCK_CHECK_MS = 60_000
const GRPC_OPTIONS = {
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc.max_concurrent_streams': 100,
  // A proxy whose machine is gone without a word is noticed within a minute.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 20_000,
}

/** Everything opened so far, to be closed in the opposite order. */
type Closers = (() => void | Promise<void>)[]

/** Rejects with a CommandFailure of one line when the environment does not allow it; nothing is then left open. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<RunningControlPlane> {
  const closers: Closers = []
  try {
    return await open(options, closers)
  } catch (error) {
    await closeAll(closers)
    if (error instanceof PortInUse) throw new CommandFailure(error.message)
    throw error
  }
}

async function open(options: ControlPlaneOptions, closers: Closers): Promise<RunningControlPlane> {
  const clock = options.clock ?? systemClock
  const log = options.log ?? createLog('control-plane', 'info', clock, toStandardError)
  if (options.standalone !== false) onBug(message => log.error('broken invariant', { message }))
  const startedAt = new Date(clock.wallNow()).toISOString()
  const meshConfig = readMeshConfig(options.meshConfigFile)
  const state = openState(resolve(options.stateDir), closers)
  const metrics = new Metrics()
  const parts = { clock, log, random: systemRandom, network: systemNetwork, metrics, database: state.database }

  const registry = new Registry(parts)
  closers.push(() => registry.close())
  const counters = await openCounters(options, log)
  const rateLimits = new GlobalRateLimits({ clock, log, metrics, ...(counters && { counters }) })
  closers.push(() => rateLimits.close())
  const loads = new LoadReports()
  const rollouts = new Rollouts({ clock, log, metrics, loads, store: new RolloutStore(state.database) })
  closers.push(() => rollouts.close())
  const meshInput = (objects: ConfigEditor['objects']) => ({
    objects,
    services: registry.services(),
    workloads: registry.workloads(),
    meshConfig,
    rateLimitService: rateLimits.address,
    canaryWeights: rollouts.weights,
  })
  const store = new ConfigStore(state.database, clock)
  const editor = new ConfigEditor(store, objects => link(meshInput(objects)).problems, log)
  const { trustDomain } = meshConfig
  const maxLeafLifeMs = options.maxCertificateLifeMs ?? DAY_MS
  const authority = await openAuthority({ ...parts, directory: state.directory, trustDomain, maxLeafLifeMs })
  const tokens = new JoinTokens(state.database, clock, systemRandom)

  rollouts.take(editor.objects)
  const snapshots = new SnapshotSource({
    clock,
    log,
    input: () => meshInput(editor.objects),
    revision: () => store.revision,
    trustBundle: authority.trustBundle,
  })
  closers.push(() => snapshots.close())
  registry.onChange(() => snapshots.invalidate())
  editor.onChange(() => {
    rateLimits.take(editor.objects)
    rollouts.take(editor.objects)
    snapshots.invalidate()
  })
  const ads = new AdsServer({ ...parts, registry, snapshots })
  metrics.gauge('pilot_services', 'Services known.', () => registry.services().length)
  metrics.gauge('weft_config_revision', 'Head of the config store.', () => store.revision)
  metrics.gauge('weft_instances', 'Instances registered.', () => registry.instances().length)

  const source = openDirectory({ options, clock, log, editor, state, closers })
  registry.onChange(() => source?.retry())
  rateLimits.take(editor.objects)
  rollouts.start({ mesh: () => snapshots.mesh, onChange: () => snapshots.invalidate() })
  const certificates = { authority, tokens, clock, log, metrics }
  const grpc = {
    options,
    clock,
    log,
    closers,
    state,
    authority,
    ads,
    certificates,
    rateLimits,
    snapshots,
    registry,
    loads,
  }
  const listeners = await openListeners(grpc)
  const facts = { version: programVersion(), trustDomain, pid: process.pid, startedAt, ...listeners.addresses }
  const proxies = meshConfig.defaultConfig.process
  const mesh = (): MeshFacts => ({ ...facts, api: api.address, trustBundle: authority.trustBundle, proxies })
  const operations = [
    ...meshOperations({
      facts: mesh,
      revision: () => store.revision,
      source: () => source?.state ?? { directory: null, lastLoadedAt: null, revision: store.revision, problems: [] },
      tokens,
      registry,
      proxies: ads,
      snapshots,
    }),
    ...registryOperations(registry),
    ...configOperations({ store, editor, proxies: ads, clock }),
    ...rolloutOperations(rollouts),
  ]
  const operatorToken = openOperatorToken(join(state.root, 'operator.token'), systemRandom)
  const wish = { name: 'api', asked: options.apiPort, fallback: DEFAULT_PORTS.api }
  const api = await openOnPort(wish, state.settings, port =>
    openApiServer({ operations, operatorToken, version: facts.version, metrics, log }, port),
  )
  closers.push(() => api.close())
  log.info('control plane ready', { api: api.address, xds: facts.xds, join: facts.join })
  // Whoever hears of it may stop it at once.
  const running = runningProcess(options, mesh(), listeners.xdsPlaintextPort, closers)
  announce(options, state.root, mesh(), closers)
  return running
}

/** Undefined: in memory. The client is loaded only where it is wanted. */
async function openCounters({ rateLimitRedis }: ControlPlaneOptions, log: Log): Promise<CounterStore | undefined> {
  if (rateLimitRedis === undefined) return undefined
  const { RedisCounters } = await import('../control-plane/rate-limit/redis-counters.ts')
  try {
    return new RedisCounters(rateLimitRedis, log)
  } catch (error) {
    throw new CommandFailure(`WEFT-2022: --rate-limit-redis: ${(error as Error).message}`)
  }
}

interface OpenedState {
  readonly root: string
  readonly directory: string
  readonly database: ReturnType<typeof openDatabase>
  readonly settings: Settings
}

function openState(root: string, closers: Closers): OpenedState {
  const directory = join(root, 'control-plane')
  try {
    const lock = acquireStateLock(join(directory, 'lock'))
    if (lock === null) throw new CommandFailure(inUseMessage(root))
    closers.push(() => lock.release())
    rmSync(join(root, 'mesh.json'), { force: true }) // of one that was killed: its addresses mean nothing now
    const database = openDatabase(join(directory, 'weft.sqlite'))
    closers.push(() => database.close())
    return { root, directory, database, settings: new Settings(database) }
  } catch (error) {
    if (error instanceof CommandFailure) throw error
    throw new CommandFailure(`WEFT-2020: state directory ${root} cannot be used: ${(error as Error).message}`)
  }
}

function inUseMessage(root: string): string {
  let owner = ''
  try {
    owner = ` (pid ${JSON.parse(readFileSync(join(root, 'mesh.json'), 'utf8')).pid})`
  } catch {
    // It is still starting, or has lost its file: the directory alone says enough.
  }
  return `WEFT-2018: another control plane${owner} runs on the state directory ${root}`
}

function readMeshConfig(file: string | undefined): MeshConfig {
  if (file === undefined) return DEFAULT_MESH_CONFIG
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandFailure(`WEFT-2001: mesh config: ${(error as Error).message}`)
  }
  const { meshConfig, problems } = parseMeshConfig({ file, text })
  report(problems)
  if (problems.some(problem => problem.severity === 'error'))
    throw new CommandFailure(`WEFT-2001: mesh config ${file} is not valid`)
  return meshConfig
}

async function openAuthority(options: Parameters<typeof CertificateAuthority.open>[0]): Promise<CertificateAuthority> {
  try {
    return await CertificateAuthority.open(options)
  } catch (error) {
    throw new CommandFailure(`WEFT-2020: certificate authority: ${(error as Error).message}`)
  }
}

interface DirectoryParts {
  readonly options: ControlPlaneOptions
  readonly clock: Clock
  readonly log: Log
  readonly editor: ConfigEditor
  readonly state: OpenedState
  readonly closers: Closers
}

function openDirectory({ options, clock, log, editor, state, closers }: DirectoryParts): ConfigSourceProcess | null {
  const directory = options.configDir
  if (directory === undefined) return null
  if (!existsSync(directory)) throw new CommandFailure(`WEFT-2016: config directory ${directory} does not exist`)
  const memory = new DirectoryMemory(state.database)
  const source = CONFIG_SOURCES.directory({
    directory,
    clock,
    log,
    take: documents => editor.takeDirectory(documents, memory),
    report,
  })
  source.start()
  closers.push(() => source.close())
  return source
}

function report(problems: readonly Problem[]): void {
  for (const problem of problems) toStandardError(`${formatProblem(problem)}\n`)
}

interface GrpcParts {
  readonly options: ControlPlaneOptions
  readonly clock: Clock
  readonly log: Log
  readonly closers: Closers
  readonly state: OpenedState
  readonly authority: CertificateAuthority
  readonly ads: AdsServer
  readonly certificates: Parameters<typeof joinService>[0]
  readonly rateLimits: GlobalRateLimits
  readonly snapshots: SnapshotSource
  readonly registry: Registry
  readonly loads: LoadReports
}

async function openListeners(parts: GrpcParts) {
  const { options, clock, log, closers, state, authority, ads, certificates, rateLimits, snapshots } = parts
  const { trustDomain, trustBundle } = authority
  const identity = await authority.issueServerIdentity()
  const shared = { network: systemNetwork, identity, trustBundle, trustDomain, log }
  const discovery = grpcServiceDefinition(AggregatedDiscoveryService)
  const signing = grpcServiceDefinition(IstioCertificateService)

  const xdsServer = new Server(GRPC_OPTIONS)
  const identify = (call: AuthenticatedCall) => peerIdentity(call, trustDomain) ?? 'unverified'
  xdsServer.addService(discovery, adsService(ads, clock, identify))
  xdsServer.addService(
    grpcServiceDefinition(LoadReportingService),
    loadService({ reports: parts.loads, registry: parts.registry, clock, log, identify }),
  )
  xdsServer.addService(signing, renewalService(certificates))
  xdsServer.addService(grpcServiceDefinition(RateLimitService), rateLimits.service)
  const xds = await openOnPort(
    { name: 'xds', asked: options.xdsPort, fallback: DEFAULT_PORTS.xds },
    state.settings,
    port => openMeshListener({ ...shared, name: 'xds', port, requireClientCertificate: true, server: xdsServer }),
  )
  rateLimits.address = { address: '127.0.0.1', port: xds.port }
  snapshots.rebuild() // the first proxy to connect must find what the directory has just said
  closers.push(async () => {
    ads.close()
    await xds.close()
    xdsServer.forceShutdown()
  })

  const joinServer = new Server(GRPC_OPTIONS)
  joinServer.addService(signing, joinService(certificates))
  const wish = { name: 'join', asked: options.joinPort, fallback: DEFAULT_PORTS.join }
  const joining = await openOnPort(wish, state.settings, port =>
    openMeshListener({ ...shared, name: 'join', port, requireClientCertificate: false, server: joinServer }),
  )
  closers.push(async () => {
    await joining.close()
    joinServer.forceShutdown()
  })
  renewIdentity(parts, identity.notAfter, fresh => {
    xds.replaceIdentity(fresh)
    joining.replaceIdentity(fresh)
  })
  const xdsPlaintextPort =
    options.xdsPlaintextPort === undefined ? 0 : await openPlaintext(parts, options.xdsPlaintextPort)
  const addresses = { xds: `127.0.0.1:${xds.port}`, join: `127.0.0.1:${joining.port}` }
  return { addresses, xdsPlaintextPort }
}

/** grpc-js-xds knows no TLS to its control plane; what is served here is bound to loopback and to the form for gRPC. */
async function openPlaintext({ ads, clock, closers }: GrpcParts, port: number): Promise<number> {
  const server = new Server(GRPC_OPTIONS)
  server.addService(
    grpcServiceDefinition(AggregatedDiscoveryService),
    adsService(ads, clock, () => 'plaintext'),
  )
  closers.push(() => server.forceShutdown())
  return new Promise((done, fail) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) fail(new CommandFailure(`WEFT-2019: port ${port} is in use; choose another with --xds-plaintext-port`))
      else done(bound)
    })
  })
}

type ServerIdentity = Awaited<ReturnType<CertificateAuthority['issueServerIdentity']>>

/**
 * At half its life, as a proxy does with its own; a failure is tried again a minute later. By the wall clock, for the
 * timers of a suspended machine stand still while its certificates grow old.
 */
function renewIdentity(parts: GrpcParts, notAfter: number, use: (identity: ServerIdentity) => void): void {
  const { authority, clock, closers, log } = parts
  let due = (clock.wallNow() + notAfter) / 2
  const renew = async (): Promise<void> => {
    try {
      await authority.renewIntermediateIfDue()
      const identity = await authority.issueServerIdentity()
      use(identity)
      due = (clock.wallNow() + identity.notAfter) / 2
    } catch (error) {
      log.error('own certificate could not be renewed', { why: (error as Error).message })
      due = clock.wallNow() + CLOCK_CHECK_MS
    }
  }
  let closed = false
  let timer: Timer
  const wait = (): void => {
    if (!closed) timer = clock.setTimer(Math.max(0, Math.min(due - clock.wallNow(), CLOCK_CHECK_MS)), look)
  }
  const look = async (): Promise<void> => {
    if (clock.wallNow() >= due) await renew()
    wait()
  }
  wait()
  closers.push(() => {
    closed = true
    timer.cancel()
  })
}

/** The file by which everybody else finds this mesh, and the one line for whoever started it. */
function announce(options: ControlPlaneOptions, root: string, mesh: MeshFacts, closers: Closers): void {
  const { api, xds, join: joining, trustDomain, pid, startedAt } = mesh
  const found = { api, xds, join: joining, trustDomain, pid, startedAt }
  const file = join(root, 'mesh.json')
  writeFileAtomic(file, `${JSON.stringify(found, null, 2)}\n`, 0o644)
  closers.push(() => rmSync(file, { force: true }))
  if (options.standalone !== false) process.stdout.write(`${JSON.stringify(found)}\n`)
}

function runningProcess(
  options: ControlPlaneOptions,
  mesh: MeshFacts,
  xdsPlaintextPort: number,
  closers: Closers,
): RunningControlPlane {
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
  let stopping: Promise<void> | null = null
  const stop = (): Promise<void> => {
    stopping ??= closeAll(closers).then(finish)
    return stopping
  }
  if (options.standalone !== false) {
    const onSignal = (): void => void stop()
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, onSignal)
      closers.push(() => void process.off(signal, onSignal))
    }
  }
  return { mesh, xdsPlaintextPort, finished, stop }
}

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}
