// weft proxy-status: which proxy has which configuration, in the columns of istioctl proxy-status.
import { Command } from 'commander'
import type { ProxyStatus, ProxyTypeStatus } from '../client/api-answer.ts'
import { chooseWorkload } from '../client/find-workload.ts'
import { addMeshOptions, connectToMesh, type MeshOptions } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { parseWorkloadName } from '../contract/option-parsers.ts'
import { formatAge } from '../output/age.ts'
import { type OutputForm, outputOption, printData, type TableView } from '../output/print-data.ts'

interface ProxyStatusOptions extends MeshOptions {
  readonly verbosity?: boolean
  readonly output: OutputForm
}

/** In istioctl's order. */
const TYPES = ['CDS', 'LDS', 'EDS', 'RDS', 'SDS'] as const

export function proxyStatusCommand(context: CliContext): Command {
  const command = new Command('proxy-status')
    .description('Show which proxies are connected, and whether each has acknowledged what it was sent.')
    .argument('[proxy]', 'one of them: NAME or NAME.NAMESPACE')
    .option('-v, --verbosity', 'the state of each type by itself')
    .addOption(outputOption())
  return addMeshOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  weft proxy-status\n  weft proxy-status -v\n  weft proxy-status reviews-v1-0 -o json',
    )
    .action((proxy: string | undefined, options: ProxyStatusOptions) => proxyStatus(context, proxy, options))
}

async function proxyStatus(context: CliContext, name: string | undefined, options: ProxyStatusOptions): Promise<void> {
  const { proxies: connected } = await connectToMesh(context, options).get<{ proxies: readonly ProxyStatus[] }>(
    '/v1/proxies',
  )
  const proxies =
    name === undefined
      ? connected.toSorted((a, b) => fullName(a).localeCompare(fullName(b)))
      : [chooseProxy(connected, name)]
  const verbose = options.verbosity === true || name !== undefined
  printData(context, options.output, proxies, () => (verbose ? verboseTable(context, proxies) : shortTable(proxies)))
  const refused = proxies.flatMap(proxy =>
    Object.entries(proxy.types).flatMap(([type, status]) =>
      status.state === 'ERROR'
        ? [`${fullName(proxy)} refuses its ${type}: ${status.error ?? 'no reason given'}\n`]
        : [],
    ),
  )
  if (options.output === 'table') for (const line of refused) context.stderr(line)
}

function chooseProxy(proxies: readonly ProxyStatus[], name: string): ProxyStatus {
  // Without a namespace it may be in any: a mesh has one gateway, and one proxy of most names.
  const found = proxies.filter(proxy => proxy.name === name)
  return found.length === 1 && found[0] ? found[0] : chooseWorkload(proxies, parseWorkloadName(name, 'default'))
}

function shortTable(proxies: readonly ProxyStatus[]): TableView {
  return {
    header: ['NAME', 'CLUSTER', 'ISTIOD', 'VERSION', 'SUBSCRIBED TYPES'],
    rows: proxies.map(proxy => {
      const types = TYPES.filter(type => proxy.types[type] !== undefined && proxy.types[type].state !== 'NOT SENT')
      return [fullName(proxy), proxy.kind, 'weft', proxy.version, `${types.length} (${types.join(',')})`]
    }),
    none: 'no proxy is connected',
  }
}

function verboseTable(context: CliContext, proxies: readonly ProxyStatus[]): TableView {
  return {
    header: ['NAME', 'CLUSTER', ...TYPES, 'ISTIOD', 'VERSION'],
    rows: proxies.map(proxy => [
      fullName(proxy),
      proxy.kind,
      ...TYPES.map(type => formatState(context, proxy.types[type])),
      'weft',
      proxy.version,
    ]),
    none: 'no proxy is connected',
  }
}

function formatState(context: CliContext, status: ProxyTypeStatus | undefined): string {
  if (status === undefined) return 'IGNORED'
  if (status.at === undefined || status.state === 'NOT SENT') return status.state
  return `${status.state} (${formatAge(status.at, context.clock.wallNow())})`
}

function fullName(proxy: ProxyStatus): string {
  return `${proxy.name}.${proxy.namespace}`
}
