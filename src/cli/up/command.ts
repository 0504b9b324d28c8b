// weft up: a whole mesh on this machine, from one directory, until Ctrl-C.
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { DEFAULT_STATE, stateOption } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { EXIT } from '../contract/exit-code.ts'
import { parsePort } from '../contract/option-parsers.ts'
import { type MeshDirectory, readMeshDirectory } from '../launcher/mesh-directory.ts'
import { MeshLauncher } from '../launcher/mesh-launcher.ts'
import { openLauncherHost } from '../launcher/open-launcher-host.ts'
import { runUntilStopped } from '../launcher/run-until-stopped.ts'
import { requireNotRunning } from '../launcher/running-check.ts'
import { formatProblems, hasErrors } from '../output/print-problems.ts'
import { UpReport } from './up-report.ts'

interface UpOptions {
  readonly state: string
  readonly gatewayPort?: number
  readonly apiPort?: number
  readonly output: 'table' | 'json'
}

export function upCommand(context: CliContext): Command {
  return new Command('up')
    .description('Start a whole mesh on this machine from DIR: weft.yaml names the workloads, mesh/ steers them.')
    .argument('<dir>', 'directory with weft.yaml')
    .addOption(stateOption())
    .option(
      '--gateway-port <port>',
      'where the gateway serves the port that weft.yaml names; 0: any free one',
      parsePort,
    )
    .option('--api-port <port>', 'REST API; 0: any free one (default: 15014)', parsePort)
    .addOption(
      new Option('-o, --output <form>', 'json: one line on standard output when ready, progress on standard error')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  weft up examples/bookinfo\n  weft up examples/bookinfo --gateway-port 0 --api-port 0 -o json',
    )
    .action((directory: string, options: UpOptions) => up(context, directory, options))
}

async function up(context: CliContext, directory: string, options: UpOptions): Promise<void> {
  const { mesh, problems } = readMeshDirectory(context.cwd, directory)
  if (problems.length > 0) context.stderr(formatProblems(problems))
  if (hasErrors(problems)) throw new CommandFailure('', EXIT.problems)
  const report = new UpReport(context, {
    json: options.output === 'json',
    state: options.state,
    commands: suggestions(context, mesh, options),
  })
  const host = openLauncherHost(context, { state: options.state, say: line => report.say(line) })
  requireNotRunning(host.stateDir, options.state)
  const launcher = new MeshLauncher(host, mesh, {
    random: context.random,
    gatewayPort: options.gatewayPort,
    apiPort: options.apiPort,
    onReady: (name, what) => report.ready(name, what),
  })
  await runUntilStopped(context, host, {
    name: 'up',
    role: 'up',
    start: async () => {
      const started = await launcher.start((api, gateway) => report.begin(directory, api, gateway))
      report.finish(started)
    },
    stop: async () => {
      report.stopping()
      await launcher.stop()
    },
    kill: () => launcher.kill(),
  })
}

/** Three things worth trying next, each a whole command. */
function suggestions(context: CliContext, mesh: MeshDirectory, options: UpOptions): readonly string[] {
  const program = context.env['npm_command'] === undefined ? 'weft' : 'npx weft'
  const state = options.state === DEFAULT_STATE ? '' : ` --state ${options.state}`
  const first = mesh.workloads[0]
  const example = mesh.examples.find(file => file.includes('virtual-service-reviews-v3')) ?? mesh.examples[0]
  return [
    example === undefined
      ? `${program} proxy-status${state}`
      : `${program} apply --wait -f ${join(mesh.directory, example)}${state}`,
    `${program} describe service ${first?.service ?? 'NAME'}${state}`,
    `${program} proxy-config routes ${first?.name ?? 'WORKLOAD'}${state}`,
  ]
}
