// The process of a proxy that a static Envoy bootstrap configures: file, checks, admin port, listeners, traffic.
import { readFileSync } from 'node:fs'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { formatProblem, type Parsed } from '../base/problem.ts'
import { systemRandom } from '../base/random.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import { plainJson } from '../data-plane/admin/config-json.ts'
import { Proxy as DataPlaneProxy } from '../data-plane/proxy.ts'
import { applyStaticResources, compileBootstrap, type StaticConfig } from '../data-plane/static-config.ts'
import type { DataSourceReader } from '../translate/bootstrap/data-sources.ts'
import { type BootstrapFile, readBootstrap } from '../translate/bootstrap/read-bootstrap.ts'
import { BootstrapSchema } from '../xds/generated/envoy/config/bootstrap/v3/bootstrap_pb.ts'
import { checkedClusters } from './checked-clusters.ts'
import { ProxyProcess, type ProxyProcessOptions, type RunningProxy } from './proxy-process.ts'
import { UNBOUND_NETWORK } from './unbound-network.ts'

export interface StaticProxyOptions extends ProxyProcessOptions {
  /** The bootstrap's path. */
  readonly file: string
}

interface CheckedBootstrap {
  readonly file: BootstrapFile
  readonly config: StaticConfig
}

/** Paths in a bootstrap are relative to the working directory, as in Envoy. */
const SOURCES: DataSourceReader = {
  readFile: path => readFileSync(path),
  environmentVariable: name => process.env[name],
}

/** Resolves when every listener accepts, or with all that is wrong with the file. Throws CommandFailure. */
export async function startStaticProxy(options: StaticProxyOptions): Promise<Parsed<RunningProxy>> {
  const checked = await checkBootstrap(options.file)
  if (!checked.ok) return checked
  const { file, config } = checked.value
  const { admin, maxConnections, overload } = config
  const settings = {
    // An Envoy's clients see what Envoy sends: no header of Weft's own.
    reasonHeader: false,
    serviceCluster: config.node.cluster,
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(overload && { overload }),
  }
  const running = new ProxyProcess(options, settings)
  await running.startWorkers()
  if (admin) await running.openAdmin(admin, { node: config.node, bootstrap: plainJson(BootstrapSchema, file.verbatim) })
  running.state = 'INITIALIZING'
  const refused = applyStaticResources(running.proxy, file.bootstrap.staticResources)
  await checkedClusters(running.proxy)
  const unbound = [...(await running.proxy.listeners.settled())]
  if (refused.length === 0 && unbound.length === 0 && running.workers)
    unbound.push(...(await running.workers.applyStatic(file.bootstrap.staticResources)))
  if (refused.length > 0 || unbound.length > 0) await running.stop()
  if (refused.length > 0) return { ok: false, problems: refused.map(problem => file.placed(problem)) }
  if (unbound.length > 0) throw new CommandFailure(unbound.map(formatProblem).join('\nweft: '))
  try {
    await running.isLive({ config: options.file })
  } catch (error) {
    await running.stop()
    throw error
  }
  return { ok: true, value: running }
}

/** Everything that can be found wrong with a bootstrap without binding an address or opening a log. */
export async function checkBootstrap(path: string): Promise<Parsed<CheckedBootstrap>> {
  const read = readBootstrap({ file: path, text: readText(path) }, SOURCES)
  if ('problems' in read) return { ok: false, problems: read.problems }
  const { file } = read
  const { problems, ...config } = compileBootstrap(file.bootstrap)
  const rehearsal = new DataPlaneProxy({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    network: UNBOUND_NETWORK,
    logFiles: { open: () => ({ write: () => {}, close: async () => {} }) },
  })
  const refused = applyStaticResources(rehearsal, file.bootstrap.staticResources)
  await rehearsal.close()
  const found = file.allProblems([...problems, ...refused])
  return found.length > 0 ? { ok: false, problems: found } : { ok: true, value: { file, config } }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandFailure(`cannot read ${path}: ${(error as Error).message}`)
  }
}
