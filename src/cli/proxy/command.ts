// weft proxy: becomes the proxy of one workload, or a gateway; with --envoy, the agent beside a real Envoy; with -c, what
// a static Envoy bootstrap makes of it.
import { Command, Option } from 'commander'
import { stateOption } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { EXIT } from '../contract/exit-code.ts'
import { namespaceOption } from '../contract/namespace-option.ts'
import { parseConcurrency, parseHostPort, parseLabels, parsePort, parseSeconds } from '../contract/option-parsers.ts'
import type { DataPlaneStart, HostPort, RunningProcess } from '../contract/process-starters.ts'
import { formatProblems } from '../output/print-problems.ts'

interface ProxyOptions {
  readonly config?: string
  readonly mode: 'serve' | 'validate'
  readonly workload?: string
  readonly namespace: string
  readonly serviceAccount: string
  readonly router?: boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly controlPlane?: HostPort
  readonly join?: HostPort
  readonly tokenFile?: string
  readonly trustBundle?: string
  readonly state: string
  readonly adminPort: number
  readonly envoy?: string
  readonly drainTimeS?: number
  readonly drainStrategy?: 'gradual' | 'immediate'
  readonly parentShutdownTimeS?: number
  readonly terminationDrainTimeS?: number
  readonly pidFile?: string
  readonly concurrency?: number
}

export function proxyCommand(context: CliContext): Command {
  return new Command('proxy')
    .description(
      'Run the proxy of one workload, or a gateway ("weft run" and "weft up" do this for you), or what a static Envoy ' +
        'bootstrap says.',
    )
    .option('-c, --config <file>', 'a static Envoy v3 bootstrap, YAML or JSON; the options of a mesh have no effect')
    .addOption(
      new Option('--mode <mode>', 'of a bootstrap: serve by it, or only check it')
        .choices(['serve', 'validate'])
        .default('serve'),
    )
    .option('--workload <name>', 'the workload it stands beside, as registered')
    .addOption(namespaceOption())
    .option('--service-account <name>', 'whose identity it takes', 'default')
    .option('--router', 'a gateway rather than a sidecar')
    .option('--labels <labels>', 'labels of the workload: KEY=VALUE,KEY=VALUE', parseLabels)
    .option('--control-plane <host:port>', 'xDS', parseHostPort)
    .option('--join <host:port>', 'where the one-time token is good', parseHostPort)
    .option('--token-file <file>', 'one-time token; needed until there is a certificate')
    .option('--trust-bundle <file>', 'roots that the control plane is checked against')
    .addOption(stateOption())
    .option('--admin-port <port>', 'admin interface; 0: any free one', parsePort, 0)
    .option('--envoy <binary>', "run this Envoy with this identity, instead of Weft's own data plane")
    .option(
      '--drain-time-s <seconds>',
      'how long a draining proxy spares idle connections (default: 600)',
      parseSeconds,
    )
    .addOption(
      new Option(
        '--drain-strategy <strategy>',
        'whether clients hear of a drain with their next response, or more of them as the drain time passes (default: immediate)',
      ).choices(['gradual', 'immediate']),
    )
    .option(
      '--parent-shutdown-time-s <seconds>',
      'how long after a hot restart the predecessor ends at the latest (default: 900)',
      parseSeconds,
    )
    .option(
      '--termination-drain-time-s <seconds>',
      'how long what is under way may go on after a stop was asked for (default: 5)',
      parseSeconds,
    )
    .option('--concurrency <n>', 'event loops that share the listeners (default: 1)', parseConcurrency)
    .option('--pid-file <file>', 'kept with the pid of the process in charge, through hot restarts')
    .addHelpText(
      'after',
      '\nSIGUSR2, or POST /hot_restart on the admin port, has a successor take over without a request lost.\n' +
        '\nWithout -c, --workload, --control-plane, --join and --trust-bundle are needed.\n' +
        '\nExamples:\n  weft proxy --workload reviews-v1-0 --service-account bookinfo-reviews --control-plane 127.0.0.1:15012 \\\n' +
        '    --join 127.0.0.1:15013 --token-file token --trust-bundle .weft/control-plane/trust-bundle.pem\n' +
        '  weft proxy -c envoy.yaml\n  weft proxy -c envoy.yaml --mode validate',
    )
    .action(async (options: ProxyOptions, command: Command) => {
      const { config, mode } = options
      if (config !== undefined && mode === 'validate') return validate(context, config)
      const running =
        config === undefined
          ? startMeshProxy(context, options, command)
          : startStatic(context, config, startOf(options))
      await (await running).finished
    })
}

async function validate(context: CliContext, file: string): Promise<void> {
  const problems = await context.starters.checkBootstrap({ file })
  if (problems.length === 0) return context.stdout(`configuration '${file}' OK\n`)
  context.stderr(formatProblems(problems))
  throw new CommandFailure('', EXIT.problems)
}

async function startStatic(context: CliContext, file: string, start: DataPlaneStart): Promise<RunningProcess> {
  const started = await context.starters.staticProxy({ file, ...start })
  if (started.ok) return started.value
  context.stderr(formatProblems(started.problems))
  throw new CommandFailure('', EXIT.problems)
}

function startMeshProxy(context: CliContext, options: ProxyOptions, command: Command): Promise<RunningProcess> {
  const { workload, controlPlane, join, trustBundle } = options
  if (workload === undefined) return missing(command, 'workload')
  if (controlPlane === undefined) return missing(command, 'control-plane')
  if (join === undefined) return missing(command, 'join')
  if (trustBundle === undefined) return missing(command, 'trust-bundle')
  const start = startOf(options)
  const { parentShutdownTimeSeconds, pidFile, drainStrategy } = start
  if (options.envoy !== undefined && (parentShutdownTimeSeconds ?? pidFile ?? drainStrategy) !== undefined)
    return command.error('error: --parent-shutdown-time-s, --drain-strategy and --pid-file have no effect with --envoy')
  return context.starters.proxy({
    workload,
    namespace: options.namespace,
    serviceAccount: options.serviceAccount,
    router: options.router === true,
    labels: options.labels ?? {},
    controlPlane,
    join,
    trustBundle,
    stateDir: options.state,
    adminPort: options.adminPort,
    ...(options.tokenFile === undefined ? {} : { tokenFile: options.tokenFile }),
    ...(options.envoy === undefined ? {} : { envoy: options.envoy }),
    ...start,
  })
}

function startOf(options: ProxyOptions): DataPlaneStart {
  const { concurrency, drainTimeS, drainStrategy, parentShutdownTimeS, terminationDrainTimeS, pidFile } = options
  return {
    ...(terminationDrainTimeS === undefined ? {} : { terminationDrainSeconds: terminationDrainTimeS }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(drainTimeS === undefined ? {} : { drainTimeSeconds: drainTimeS }),
    ...(drainStrategy === undefined ? {} : { drainStrategy }),
    ...(parentShutdownTimeS === undefined ? {} : { parentShutdownTimeSeconds: parentShutdownTimeS }),
    ...(pidFile === undefined ? {} : { pidFile }),
  }
}

/** In commander's words for an option that is always required. */
function missing(command: Command, name: string): never {
  const option = command.options.find(each => each.long === `--${name}`)
  return command.error(`error: required option '${option?.flags ?? name}' not specified`)
}
