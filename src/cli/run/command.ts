// weft run: a command as one workload of a running mesh; its exit code is passed on.
import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import type { MeshAnswer } from '../client/api-answer.ts'
import { addMeshOptions, connectToMesh, type MeshOptions } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { EXIT } from '../contract/exit-code.ts'
import { namespaceOption } from '../contract/namespace-option.ts'
import { parseLabels, parsePort } from '../contract/option-parsers.ts'
import type { ProcessExit } from '../launcher/managed-process.ts'
import { openLauncherHost } from '../launcher/open-launcher-host.ts'
import { PortAllocator } from '../launcher/port-allocator.ts'
import { isRunning, processName, readProcessRecords } from '../launcher/process-record.ts'
import { runUntilStopped } from '../launcher/run-until-stopped.ts'
import { requireNameFree } from '../launcher/running-check.ts'
import { WorkloadRunner } from '../launcher/workload-runner.ts'
import type { WorkloadSpec } from '../launcher/workload-spec.ts'
import { ensureService } from './ensure-service.ts'

interface RunOptions extends MeshOptions {
  readonly service: string
  readonly version: string
  readonly name?: string
  readonly namespace: string
  readonly serviceAccount: string
  readonly labels?: Readonly<Record<string, string>>
  readonly port?: number
  readonly healthPath?: string
  readonly envoy?: boolean
  readonly hbone?: boolean
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

export function runCommand(context: CliContext): Command {
  const command = new Command('run')
    .description(
      'Run COMMAND behind a sidecar of its own, as a workload of a running mesh. It finds its port in PORT, and the ' +
        'mesh through HTTP_PROXY. When it ends, or this does, the workload leaves the mesh in order.',
    )
    .usage('--service NAME [options] -- COMMAND [ARGUMENTS...]')
    .argument('<command...>', 'the program and its arguments, after --')
    .requiredOption('--service <name>', 'the service that it is an instance of')
    .option('--version <version>', 'its version, and the label of that name', 'v1')
    .option('--name <name>', 'name of the workload (default: SERVICE-VERSION- and a number)')
    .addOption(namespaceOption())
    .option('--service-account <name>', 'its identity', 'default')
    .option('--labels <labels>', 'further labels: KEY=VALUE,KEY=VALUE', parseLabels)
    .option('--port <port>', 'the port of the service that it serves; none: it serves nobody', parsePort)
    .option('--health-path <path>', 'GET that answers 2xx when it is well (default: its port accepts connections)')
    .option('--hbone', 'with a port of its sidecar that is reached by HBONE')
    .option('--envoy', 'with a real Envoy, that of ENVOY, as its sidecar')
    .passThroughOptions()
  return addMeshOptions(command)
    .addHelpText('after', '\nExample:\n  weft run --service reviews --version v4 --port 9080 -- node reviews.js')
    .action((words: string[], options: RunOptions) => run(context, words, options))
}

async function run(context: CliContext, command: readonly string[], options: RunOptions): Promise<void> {
  const api = connectToMesh(context, options)
  const mesh = await api.get<MeshAnswer>('/v1/mesh')
  const say = (line: string): void => context.stderr(`weft: ${line}\n`)
  const host = openLauncherHost(context, { state: options.state, say })
  const spec = workloadSpec(context, command, options, host.stateDir)
  if (options.port !== undefined) await ensureService(api, spec)
  const allocator = new PortAllocator(join(host.stateDir, `run-${processName(spec)}.json`), context.random)
  const workload = new WorkloadRunner(host, { api, mesh }, spec, { allocator, foreground: true })
  await workload.allocatePorts()
  await runUntilStopped(context, host, {
    name: `run-${processName(spec)}`,
    role: 'run',
    start: async () => {
      await workload.start()
      if (workload.inMesh) say(`${spec.name} is in the mesh`)
    },
    done: () => workload.applicationExit(),
    stop: () => workload.stop({ hurry: false }),
    kill: () => workload.kill(),
  })
  const exit = await workload.applicationExit()
  if (exit.error !== undefined) throw new CommandFailure(`WEFT-3005: ${command[0]} could not be started: ${exit.error}`)
  const code = exitCode(exit)
  if (code !== EXIT.ok) throw new CommandFailure('', code)
}

/** A program ended by a signal has 128 and the signal's number, as in a shell. */
function exitCode(exit: ProcessExit): number {
  if (exit.signal !== null) return 128 + (constants.signals[exit.signal] ?? 0)
  return exit.code ?? EXIT.failure
}

function workloadSpec(
  context: CliContext,
  command: readonly string[],
  options: RunOptions,
  stateDir: string,
): WorkloadSpec {
  const name = options.name ?? freeName(stateDir, `${options.service}-${options.version}`)
  for (const [what, text] of Object.entries({
    service: options.service,
    name,
    namespace: options.namespace,
    'service account': options.serviceAccount,
  })) {
    if (!DNS_LABEL.test(text)) {
      throw new CommandFailure(`"${text}" is no ${what}: lower-case letters, digits and dashes, please`, EXIT.usage)
    }
  }
  requireNameFree(stateDir, { name, namespace: options.namespace })
  return {
    name,
    namespace: options.namespace,
    service: options.service,
    version: options.version,
    description: '',
    labels: { app: options.service, version: options.version, ...options.labels },
    serviceAccount: options.serviceAccount,
    command,
    workingDirectory: resolve(context.cwd),
    env: {},
    ports: options.port === undefined ? [] : [{ name: 'http', number: options.port }],
    healthCheck: options.healthPath === undefined ? { tcp: {} } : { http: { path: options.healthPath } },
    locality: { region: '', zone: '', subZone: '' },
    weight: 1,
    hbone: options.hbone ?? false,
    proxy: options.envoy ? 'envoy' : 'weft',
  }
}

/** The first of NAME-0, NAME-1, ... that no running process of this state has. */
function freeName(stateDir: string, base: string): string {
  const taken = new Set(
    readProcessRecords(stateDir)
      .filter(isRunning)
      .map(record => record.workload ?? record.name.replace(/^run-/, '')),
  )
  let number = 0
  while (taken.has(`${base}-${number}`)) number++
  return `${base}-${number}`
}
