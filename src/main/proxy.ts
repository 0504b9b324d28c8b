// The process of a mesh's proxy: admin port, identity, data plane, xDS, in the order in which one needs the other.
import { join } from 'node:path'
import { systemRandom } from '../base/random.ts'
import { programVersion } from '../cli/client/program-version.ts'
import type { ProxyStart } from '../cli/contract/process-starters.ts'
import { loadsOf } from '../data-plane/load-report/cluster-load.ts'
import { LoadReporter } from '../data-plane/load-report/load-reporter.ts'
import { applierFor } from '../data-plane/proxy.ts'
import { LastGood } from '../data-plane/xds-client/last-good.ts'
import { createNode } from '../data-plane/xds-client/proxy-node.ts'
import { XdsClient } from '../data-plane/xds-client/xds-client.ts'
import { formatHostPort, openIdentity, proxyFolder } from './proxy-identity.ts'
import { ProxyProcess, type ProxyProcessOptions, type RunningProxy } from './proxy-process.ts'

export type ProxyStartOptions = ProxyStart & ProxyProcessOptions

const ADMIN_HOST = '127.0.0.1'
const LIVE_POLL_MS = 10

/** Resolves when the admin port answers; identity and config are then on their way. Throws CommandFailure. */
export async function startProxy(options: ProxyStartOptions): Promise<RunningProxy> {
  const node = createNode(options, programVersion())
  const running = new ProxyProcess(options, { serviceCluster: node.cluster, stateDir: options.stateDir })
  await running.startWorkers()
  await running.openAdmin({ host: ADMIN_HOST, port: options.adminPort }, { node })
  running.keepFile(
    join(proxyFolder(options), 'admin.json'),
    () => `${JSON.stringify({ pid: process.pid, adminPort: running.adminPort })}\n`,
  )
  // Goes on by itself; what goes wrong for good ends `finished`.
  joinMesh(options, running).catch(error => running.fail(error))
  return running
}

async function joinMesh(options: ProxyStartOptions, running: ProxyProcess): Promise<void> {
  const { clock, log, proxy, signal, workers } = running
  const identity = await openIdentity(options, { clock, log, signal })
  running.atEnd(() => identity.stop())
  // The next certificate is the successor's to ask for: both keep it in the same folder.
  running.atHandover(() => identity.stop())
  if (running.isStopping) return identity.stop()
  proxy.useIdentity(identity)
  workers?.useIdentity(identity)
  const applier = applierFor(proxy)
  const node = createNode(options, programVersion())
  const loadReporter = new LoadReporter({
    clock,
    random: systemRandom,
    log,
    node,
    loads: async names => [loadsOf(proxy.clusters, names), ...((await workers?.loads(names)) ?? [])],
  })
  const xds = new XdsClient({
    clock,
    random: systemRandom,
    log,
    stats: proxy.stats.root,
    node,
    target: formatHostPort(options.controlPlane),
    credentials: () => identity,
    applier: workers?.applier(applier) ?? applier,
    loadReporter,
    lastGood: new LastGood(join(proxyFolder(options), 'last-good'), clock, log),
  })
  running.afterDrain(() => xds.stop())
  running.state = 'INITIALIZING'
  await xds.start()
  await xds.initialised()
  const isReady = async (): Promise<boolean> => proxy.ready && (workers === null || (await workers.areReady()))
  while (!(await isReady()) && !running.isStopping) await new Promise<void>(wake => clock.setTimer(LIVE_POLL_MS, wake))
  if (!running.isStopping) await running.isLive({ id: identity.spiffeId })
}
