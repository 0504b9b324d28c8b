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
import { type GroupParts, partsOf, withoutProbe } from '../launcher/group-parts.ts'
import type { ProcessExit } from '../launcher/managed-process.ts'
import { openLauncherHost } from '../launcher/open-launcher-host.ts'
import { PortAllocator } from '../launcher/port-allocator.ts'
import { isRunning, processName, readProcessRecords } from '../launcher/process-record.ts'
import { runUntilStopped } from '../launcher/run-until-stopped.ts'
import { requireNameFree } from '../launcher/running-check.ts'
import { WorkloadRunner } from '../launcher/workload-runner.ts'
import type { WorkloadSpec } from '../launcher/workload-spec.ts'
import { ensureService } from './ensure-service.ts'
import { groupInMesh } from './group-in-mesh.ts'

interface RunOptions extends MeshOptions {
  readonly service?: string
  readonly group?: string
  readonly version?: string
  readonly name?: string
  readonly namespace: string
  readonly serviceAccount?: string
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
    .usage('--service NAME | --group NAME [options] -- COMMAND [ARGUMENTS...]')
    .argument('<command...>', 'the program and its arguments, after --')
    .option('--service <name>', 'the service that it is an instance of')
    .option(
      '--group <name>',
      'the WorkloadGroup whose labels, ports, identity and probe it has; other options hold before it',
    )
    .option('--version <version>', 'its version, and the label of that name (default: v1, or that of the group)')
    .option('--name <name>', 'name of the workload (default: SERVICE-VERSION- or GROUP- and a number)')
    .addOption(namespaceOption())
    .option('--service-account <name>', 'its identity (default: default, or that of the group)')
    .option('--labels <labels>', 'further labels: KEY=VALUE,KEY=VALUE', parseLabels)
    .option('--port <port>', 'the port of the service that it serves; none: it serves nobody', parsePort)
    .option('--health-path <path>', 'GET that answers 2xx when it is well (default: its port accepts connections)')
    .option('--hbone', 'with a port of its sidecar that is reached by HBONE')
    .option('--envoy', 'with a real Envoy, that of ENVOY, as its sidecar')
    .passThroughOptions()
  return addMeshOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  weft run --service reviews --version v4 --port 9080 -- node reviews.js\n' +
        '  weft run --group reviews -- node reviews.js',
    )
    .action((words: string[], options: RunOptions) => run(context, words, options))
}

async function run(context: CliContext, command: readonly string[], options: RunOptions): Promise<void> {
  const api = connectToMesh(context, options)
  const mesh = await api.get<MeshAnswer>('/v1/mesh')
  const say = (line: string): void => context.stderr(`weft: ${line}\n`)
  const host = openLauncherHost(context, { state: options.state, say })
  const { group: groupName, namespace } = options
  const parts = groupName === undefined ? null : partsOf(await groupInMesh(api, namespace, groupName))
  const group = parts && options.healthPath !== undefined ? withoutProbe(parts) : parts
  const spec = workloadSpec(context, command, options, group, host.stateDir)
  if (options.port !== undefined && spec.service !== '') await ensureService(api, spec)
  const allocator = new PortAllocator(join(host.stateDir, `run-${processName(spec)}.json`), context.random)
  const workload = new WorkloadRunner(host, { api, mesh }, spec, { allocator, foreground: true })
  await workload.allocatePorts()
  await runUntilStopped(context, host, {
    name: `run-${processName(spec)}`,
    role: 'run',
    start: async () => {
      await workload.start()
      // Who serves nobody has nobody waiting to hear it, and its own output to be read.
      if (workload.inMesh && spec.ports.length > 0) say(`${spec.name} is in the mesh`)
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
  group: GroupParts | null,
  stateDir: string,
): WorkloadSpec {
  const { service = '', namespace, port, healthPath } = options
  if (service === '' && group === null) throw new CommandFailure('--service or --group, please', EXIT.usage)
  const version = options.version ?? group?.labels['version'] ?? (group ? '' : 'v1')
  const base = service === '' ? (group?.group ?? '') : version === '' ? service : `${service}-${version}`
  const name = options.name ?? freeName(stateDir, base)
  const serviceAccount = options.serviceAccount ?? group?.serviceAccount ?? 'default'
  const names = { ...(service === '' ? {} : { service }), name, namespace, 'service account': serviceAccount }
  for (const [what, text] of Object.entries(names)) {
    if (!DNS_LABEL.test(text)) {
      throw new CommandFailure(`"${text}" is no ${what}: lower-case letters, digits and dashes, please`, EXIT.usage)
    }
  }
  requireNameFree(stateDir, { name, namespace })
  const own = { ...(service === '' ? {} : { app: service }), ...(version === '' ? {} : { version }) }
  const written = options.version === undefined ? {} : { version }
  return {
    ...(group ?? { locality: { region: '', zone: '', subZone: '' }, weight: 1 }),
    name,
    namespace,
    service,
    version,
    description: '',
    labels: { ...own, ...group?.labels, ...written, ...options.labels },
    serviceAccount,
    command,
    workingDirectory: resolve(context.cwd),
    env: {},
    ports: port === undefined ? (group?.ports ?? []) : [{ name: 'http', number: port }],
    healthCheck: healthPath === undefined ? (group?.healthCheck ?? { tcp: {} }) : { http: { path: healthPath } },
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
