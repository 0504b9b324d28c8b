// weft proxy-config: what a proxy was told, from its admin interface or a saved dump, in istioctl's tables.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { addMeshOptions, type MeshOptions } from '../client/mesh-location.ts'
import { findProxyAdmin, readProxyAdmin } from '../client/proxy-admin.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { EXIT } from '../contract/exit-code.ts'
import { namespaceOption } from '../contract/namespace-option.ts'
import { parsePort, parseWorkloadName } from '../contract/option-parsers.ts'
import { type OutputForm, outputOption, printData, type TableView } from '../output/print-data.ts'
import { clusterTable, selectClusters } from './clusters.ts'
import { type Json, list, parseConfigDump, parseJson } from './config-dump.ts'
import type { ConfigFilter } from './config-filter.ts'
import { clusterStatuses, endpointTable, selectEndpoints } from './endpoints.ts'
import { listenerTable, selectListeners } from './listeners.ts'
import { routeTable, selectRoutes } from './routes.ts'
import { secretTable, selectSecrets } from './secrets.ts'

interface ProxyConfigOptions extends MeshOptions, ConfigFilter {
  readonly namespace: string
  readonly file?: string
  readonly output: OutputForm
}

interface View {
  readonly data: readonly Json[]
  readonly table: () => TableView
}

const KINDS = ['clusters', 'listeners', 'routes', 'endpoints', 'secrets', 'all'] as const
type Kind = (typeof KINDS)[number]
const ALIASES: Readonly<Record<string, Kind>> = { ep: 'endpoints', eds: 'endpoints' }
const DUMP_PATH = '/config_dump?include_eds'

export function proxyConfigCommand(context: CliContext): Command {
  const command = new Command('proxy-config')
    .description("Show what a proxy, Weft's or Envoy, was told.")
    .argument('<kind>', KINDS.join(', '))
    .argument('[workload]', 'NAME, a beginning of it that is enough, or NAME.NAMESPACE')
    .addOption(namespaceOption())
    .option(
      '-f, --file <file>',
      'a saved /config_dump (or, for endpoints, /clusters?format=json) instead of a workload',
    )
    .option('--fqdn <name>', 'clusters of this service')
    .option('--port <port>', 'of this port', parsePort)
    .option('--subset <name>', 'clusters of this subset')
    .option('--direction <direction>', 'clusters: inbound or outbound')
    .option('--name <name>', 'routes and secrets of this name')
    .option('--address <address>', 'listeners and endpoints of this address')
    .option('--type <type>', 'listeners: HTTP or TCP')
    .option('--status <status>', 'endpoints: healthy, unhealthy')
    .option('--cluster <name>', 'endpoints of this cluster')
    .addOption(outputOption())
  return addMeshOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  weft proxy-config clusters productpage-v1-0 --fqdn reviews\n  weft proxy-config routes productpage-v1-0 -o yaml\n' +
        '  curl -s localhost:15000/config_dump?include_eds > dump.json && weft proxy-config all -f dump.json',
    )
    .action((kind: string, workload: string | undefined, options: ProxyConfigOptions) =>
      proxyConfig(context, kind, workload, options),
    )
}

async function proxyConfig(
  context: CliContext,
  kindText: string,
  workload: string | undefined,
  options: ProxyConfigOptions,
): Promise<void> {
  const kind = parseKind(kindText)
  const read = await createReader(context, workload, options)
  const kinds = kind === 'all' ? KINDS.filter(each => each !== 'all') : [kind]
  const views: [Kind, View][] = []
  for (const each of kinds) views.push([each, await view(context, each, read, options)])
  if (options.output === 'table') {
    const tables = views.filter(([, each]) => kind !== 'all' || each.data.length > 0)
    for (const [index, [, each]] of tables.entries()) {
      if (index > 0) context.stdout('\n')
      printData(context, 'table', each.data, each.table)
    }
    return
  }
  const data = kind === 'all' ? Object.fromEntries(views.map(([each, { data }]) => [each, data])) : views[0]?.[1].data
  printData(context, options.output, data, () => ({ header: [], rows: [], none: '' }))
}

type Reader = (path: string) => Promise<string>

async function view(context: CliContext, kind: Kind, read: Reader, options: ProxyConfigOptions): Promise<View> {
  if (kind === 'endpoints') {
    const text = await read('/clusters?format=json')
    const parsed = parseJson(text, options.file ?? 'the answer to /clusters')
    const isDump = 'configs' in parsed
    const statuses = isDump
      ? clusterStatuses(parseConfigDump(text, 'the dump').endpoints)
      : list(parsed, 'cluster_statuses')
    const data = selectEndpoints(statuses, options)
    return { data, table: () => endpointTable(data) }
  }
  const dump = parseConfigDump(await read(DUMP_PATH), options.file ?? 'the answer to /config_dump')
  switch (kind) {
    case 'clusters': {
      const data = selectClusters(dump.clusters, options)
      return { data, table: () => clusterTable(data) }
    }
    case 'listeners': {
      const data = selectListeners(dump.listeners, options)
      return { data, table: () => listenerTable(data) }
    }
    case 'routes': {
      const data = selectRoutes(dump.routes, options)
      return { data, table: () => routeTable(data) }
    }
    default: {
      const data = selectSecrets(dump.secrets, options)
      return { data, table: () => secretTable(data, context.clock.wallNow()) }
    }
  }
}

/** Reads each path of the admin interface once; a saved file answers them all. */
async function createReader(
  context: CliContext,
  workload: string | undefined,
  options: ProxyConfigOptions,
): Promise<Reader> {
  if (options.file !== undefined) {
    const text = readDumpFile(resolve(context.cwd, options.file), options.file)
    return async () => text
  }
  if (workload === undefined) throw new CommandFailure('name a workload, or a saved dump with -f', EXIT.usage)
  const address = await findProxyAdmin(context, options, parseWorkloadName(workload, options.namespace))
  const known = new Map<string, Promise<string>>()
  return path => {
    const answer = known.get(path) ?? readProxyAdmin(context, address, path)
    known.set(path, answer)
    return answer
  }
}

function readDumpFile(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new CommandFailure(`${name}: no such file`)
  }
}

function parseKind(text: string): Kind {
  const known = ALIASES[text] ?? KINDS.find(kind => kind === text || kind === `${text}s`)
  if (known === undefined) throw new CommandFailure(`"${text}" is none of ${KINDS.join(', ')}`, EXIT.usage)
  return known
}
