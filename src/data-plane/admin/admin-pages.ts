// What each path of the admin port answers.
import type { AdjustableLog } from '../../base/adjustable-log.ts'
import type { Clock } from '../../base/clock.ts'
import type { LogLevel } from '../../base/log.ts'
import { type Node, NodeSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { addressToJson, isInternal } from '../internal-listener/internal-network.ts'
import type { ListenerStatus } from '../listener/listener-manager.ts'
import { latestOf, type MirrorDifference } from '../mirror-differences.ts'
import type { Proxy as DataPlaneProxy } from '../proxy.ts'
import { type AdminReply, isJson, json, jsonInPieces, text, textInPieces } from './admin-reply.ts'
import { certsJson } from './certs-page.ts'
import { clustersJson, clustersText } from './clusters-page.ts'
import { configDump } from './config-dump.ts'
import { type JsonObject, plainJson } from './config-json.ts'
import { EndpointFigures } from './endpoint-figures.ts'
import { STATS_QUERY, statsPage } from './stats-page.ts'
import type { WorkerReports } from './worker-report.ts'

export type ServerState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING'

export interface AdminSource {
  readonly proxy: DataPlaneProxy
  readonly node: Node
  /** Of a static start: what the file says, as JSON. */
  readonly bootstrap?: JsonObject
  readonly clock: Clock
  readonly log: AdjustableLog
  readonly version: string
  /** Epoch milliseconds. */
  readonly startedAt: number
  /** How many hot restarts led to this process, and when the first of its line started. */
  readonly epoch: number
  readonly firstStartedAt: number
  state(): ServerState
  /** Drains and ends the process. */
  quit(): void
  /** Has every client leave with its next response, and accepts none any more: `graceful`: once the drain time is over. */
  drainListeners(graceful: boolean): void
  /** Has health checks fail, or pass again. */
  failHealthChecks(failed: boolean): void
  /** The event loops beside the one of `proxy`; absent: there are none. */
  readonly workers?: WorkerSource | null
  /** After a rotation: the old files' lines stay where they were moved to. */
  reopenLogs(): void
  /** Starts a successor on the same sockets; says why not, or null. */
  hotRestart(): string | null
}

export interface WorkerSource extends WorkerReports {
  mirrorDifferences(): Promise<readonly (readonly MirrorDifference[])[]>
  setLogLevel(level: LogLevel): void
  resetCounters(): void
}

interface Page {
  readonly method: 'GET' | 'POST'
  readonly help: string
  answer(source: AdminSource, query: URLSearchParams): AdminReply | Promise<AdminReply>
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

const PAGES: Readonly<Record<string, Page>> = {
  '/ready': {
    method: 'GET',
    help: 'print server state, return 200 if LIVE, otherwise return 503',
    answer: source => text(`${source.state()}\n`, source.state() === 'LIVE' ? 200 : 503),
  },
  '/config_dump': {
    method: 'GET',
    help: 'dump current config: ?include_eds adds endpoints',
    answer: ({ proxy, node, bootstrap, startedAt }, query) =>
      jsonInPieces(
        configDump(
          { node, bootstrap, records: proxy.records, secrets: proxy.secrets, startedAt },
          query.has('include_eds'),
        ),
      ),
  },
  '/clusters': {
    method: 'GET',
    help: 'upstream cluster status: ?format=json',
    answer: async ({ proxy, bootstrap, workers }, query) => {
      const viaApi = bootstrap === undefined
      const figures = new EndpointFigures()
      if (workers) for await (const batch of workers.report('figures')) figures.add(batch)
      const clusters = proxy.clusters.all()
      if (isJson(query)) return jsonInPieces(clustersJson(clusters, viaApi, figures))
      return textInPieces(clustersText(clusters, viaApi, figures))
    },
  },
  '/listeners': {
    method: 'GET',
    help: 'listener info: ?format=json',
    answer: ({ proxy }, query) => (isJson(query) ? json(listenersJson(proxy)) : text(listenersText(proxy))),
  },
  '/stats': {
    method: 'GET',
    help: `statistics: ?format=text|json|prometheus&${STATS_QUERY}`,
    answer: statsPage,
  },
  '/stats/prometheus': {
    method: 'GET',
    help: `statistics in Prometheus' format: ?${STATS_QUERY}`,
    answer: (source, query) => statsPage(source, new URLSearchParams([...query, ['format', 'prometheus']])),
  },
  '/certs': {
    method: 'GET',
    help: 'certificates of TLS contexts, and when they end',
    answer: ({ proxy, clock }) => jsonInPieces(certsJson(proxy.tlsMaterials(), clock.wallNow())),
  },
  '/mirror_differences': {
    method: 'GET',
    help: 'the last answers of mirrors that were not what the client got, the newest first',
    answer: async ({ proxy, workers }) => {
      const others = (await workers?.mirrorDifferences()) ?? []
      return json({ differences: differencesJson([proxy.mirrorDifferences.last, ...others]) })
    },
  },
  '/server_info': { method: 'GET', help: 'version, state and node', answer: source => json(serverInfo(source)) },
  '/quitquitquit': {
    method: 'POST',
    help: 'drain and exit',
    answer: source => {
      source.quit()
      return text('OK\n')
    },
  },
  '/drain_listeners': {
    method: 'POST',
    help: 'stop accepting, end connections with their next response: ?graceful accepts until the drain time is over',
    answer: (source, query) => {
      source.drainListeners(query.has('graceful'))
      return text('OK\n')
    },
  },
  '/healthcheck/fail': {
    method: 'POST',
    help: 'cause the server to fail health checks, and to drain its connections',
    answer: source => {
      source.failHealthChecks(true)
      return text('OK\n')
    },
  },
  '/healthcheck/ok': {
    method: 'POST',
    help: 'cause the server to pass health checks',
    answer: source => {
      source.failHealthChecks(false)
      return text('OK\n')
    },
  },
  '/hot_restart': {
    method: 'POST',
    help: 'start a successor on the same sockets, and drain once it is live',
    answer: source => {
      const refusal = source.hotRestart()
      return refusal === null ? text('OK\n') : text(`${refusal}\n`, 409)
    },
  },
  '/reopen_logs': {
    method: 'POST',
    help: 'reopen access logs',
    answer: source => {
      source.reopenLogs()
      return text('OK\n')
    },
  },
  '/reset_counters': {
    method: 'POST',
    help: 'reset all counters to zero',
    answer: ({ proxy, workers }) => {
      proxy.stats.resetCounters()
      workers?.resetCounters()
      return text('OK\n')
    },
  },
  '/logging': { method: 'POST', help: 'change the log level: ?level=debug|info|warn|error', answer: loggingPage },
}

/** Envoy's answers: 404 for an unknown path with the list of those there are, 405 for a change asked by GET. */
export function answerAdmin(source: AdminSource, method: string, url: URL): AdminReply | Promise<AdminReply> {
  const { pathname, searchParams } = url
  if (pathname === '/' || pathname === '/help') return text(helpText('admin commands are:\n'))
  const page = PAGES[pathname]
  if (!page) return text(helpText('invalid path. admin commands are:\n'), 404)
  const allowed =
    page.method === 'POST' ? method === 'POST' : method === 'GET' || method === 'HEAD' || method === 'POST'
  if (!allowed) return text(`Method ${method} not allowed, ${page.method} required.\n`, 405)
  return page.answer(source, searchParams)
}

function helpText(first: string): string {
  return (
    first +
    Object.entries(PAGES)
      .map(([path, { method, help }]) => `  ${path}${method === 'POST' ? ' (POST)' : ''}: ${help}\n`)
      .join('')
  )
}

function loggingPage({ log, workers }: AdminSource, query: URLSearchParams): AdminReply {
  const wanted = query.get('level')
  if (wanted !== null) {
    // Envoy's name for the same level.
    const level = LEVELS.find(candidate => candidate === (wanted === 'warning' ? 'warn' : wanted))
    if (!level) return text(`usage: /logging?level=<level>, levels: ${LEVELS.join(' ')}\n`, 400)
    log.level = level
    workers?.setLogLevel(level)
  }
  return text(`active loggers:\n  weft: ${log.level}\n`)
}

/** Those that clients may connect to, as Envoy shows them. */
function activeListeners(proxy: DataPlaneProxy): ListenerStatus[] {
  return proxy.listeners.status().filter(({ state }) => state === 'active')
}

function listenersText(proxy: DataPlaneProxy): string {
  return activeListeners(proxy)
    .map(({ name, address, port }) => `${name}::${isInternal(address, port) ? address : `${address}:${port}`}\n`)
    .join('')
}

function listenersJson(proxy: DataPlaneProxy): JsonObject {
  return {
    listener_statuses: activeListeners(proxy).map(({ name, address, port }) => ({
      name,
      local_address: addressToJson(address, port),
    })),
  }
}

function serverInfo(source: AdminSource): JsonObject {
  const uptimeSince = (start: number): string => `${Math.floor((source.clock.wallNow() - start) / 1000)}s`
  return {
    version: `weft/${source.version}`,
    state: source.state(),
    hot_restart_version: '1',
    command_line_options: { restart_epoch: source.epoch },
    node: plainJson(NodeSchema, source.node),
    uptime_current_epoch: uptimeSince(source.startedAt),
    uptime_all_epochs: uptimeSince(source.firstStartedAt),
  }
}

function differencesJson(lists: readonly (readonly MirrorDifference[])[]): JsonObject[] {
  return latestOf(lists).map(({ at, requestId, ...difference }) => ({
    at: new Date(at).toISOString(),
    request_id: requestId,
    ...difference,
  })) as unknown as JsonObject[]
}
