// weft get: config objects, and what the registry knows: services and instances.
import { Command } from 'commander'
import type { ConfigEntry, InstancesAnswer, RolloutsAnswer, ServicesAnswer } from '../client/api-answer.ts'
import { addMeshOptions, connectToMesh, type MeshOptions } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { parseConfigKind } from '../contract/config-kind.ts'
import { namespaceOption } from '../contract/namespace-option.ts'
import { formatAge } from '../output/age.ts'
import { type OutputForm, outputOption, printData, type TableView } from '../output/print-data.ts'

interface GetOptions extends MeshOptions {
  readonly namespace: string
  readonly allNamespaces?: boolean
  readonly output: OutputForm
}

interface Named {
  readonly namespace: string
  readonly name: string
}

export function getCommand(context: CliContext): Command {
  const command = new Command('get')
    .description('Show configuration by kind (or "all"), "registrations" of services, or "instances".')
    .argument('<what>', 'virtualservices, destinationrules, gateways, rollouts, ..., all, registrations, instances')
    .argument('[name]', 'one of them')
    .addOption(namespaceOption())
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(outputOption())
  return addMeshOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  weft get virtualservices\n  weft get vs reviews -o yaml\n  weft get instances -A\n  weft get all',
    )
    .action((what: string, name: string | undefined, options: GetOptions) => get(context, what, name, options))
}

async function get(context: CliContext, what: string, name: string | undefined, options: GetOptions): Promise<void> {
  if (/^(instances?|workloads?)$/.test(what)) return getInstances(context, name, options)
  if (/^registrations?$/.test(what)) return getServices(context, name, options)
  const kind = what === 'all' ? undefined : parseConfigKind(what)
  if (kind === 'Rollout' && options.output !== 'yaml') return getRollouts(context, name, options)
  const api = connectToMesh(context, options)
  const query = new URLSearchParams()
  if (kind !== undefined) query.set('kind', kind)
  if (!options.allNamespaces) query.set('namespace', options.namespace)
  if (name !== undefined) query.set('name', name)
  const { objects } = await api.get<{ objects: readonly ConfigEntry[] }>(`/v1/config?${query}`)
  requireFound(objects, what, name, options)
  if (options.output === 'yaml') context.stdout(objects.map(object => withNewline(object.text)).join('---\n'))
  else
    printData(context, options.output, name === undefined ? objects : objects[0], () => configTable(context, objects))
}

function configTable(context: CliContext, objects: readonly ConfigEntry[]): TableView {
  return {
    header: ['KIND', 'NAME', 'NAMESPACE', 'REVISION', 'SOURCE', 'FILE', 'AGE'],
    rows: objects.map(object => [
      object.kind,
      object.name,
      object.namespace,
      String(object.revision),
      object.source,
      object.file,
      formatAge(object.updatedAt, context.clock.wallNow()),
    ]),
    none: 'no resources found',
  }
}

async function getInstances(context: CliContext, name: string | undefined, options: GetOptions): Promise<void> {
  const { instances } = await connectToMesh(context, options).get<InstancesAnswer>('/v1/instances')
  const found = select(instances, name, options)
  requireFound(found, 'instance', name, options)
  printData(context, options.output, name === undefined ? found : found[0], () => ({
    header: ['NAME', 'NAMESPACE', 'SERVICE', 'VERSION', 'HEALTH', 'ADDRESS', 'PORTS', 'SERVICE ACCOUNT'],
    rows: found.map(instance => [
      instance.name,
      instance.namespace,
      instance.service || '-',
      instance.version || '-',
      instance.healthy ? 'HEALTHY' : 'UNHEALTHY',
      instance.address,
      instance.ports.map(port => `${port.number}@${port.inboundPort}`).join(',') || '-',
      instance.serviceAccount,
    ]),
    none: 'no instances are registered',
  }))
}

async function getServices(context: CliContext, name: string | undefined, options: GetOptions): Promise<void> {
  const { services } = await connectToMesh(context, options).get<ServicesAnswer>('/v1/services')
  const found = select(services, name, options)
  requireFound(found, 'service', name, options)
  printData(context, options.output, name === undefined ? found : found[0], () => ({
    header: ['NAME', 'NAMESPACE', 'VERSION', 'PORTS', 'DESCRIPTION'],
    rows: found.map(service => [
      service.name,
      service.namespace,
      service.version || '-',
      service.ports.map(port => `${port.number}/${port.protocol ?? 'HTTP'}`).join(',') || '-',
      service.description,
    ]),
    none: 'no services are registered; those of Kubernetes manifests are shown by "weft get services"',
  }))
}

async function getRollouts(context: CliContext, name: string | undefined, options: GetOptions): Promise<void> {
  const { rollouts } = await connectToMesh(context, options).get<RolloutsAnswer>('/v1/rollouts')
  const found = select(rollouts, name, options)
  requireFound(found, 'rollout', name, options)
  printData(context, options.output, name === undefined ? found : found[0], () => ({
    header: ['NAME', 'NAMESPACE', 'HOST', 'STABLE', 'CANARY', 'PHASE', 'WEIGHT', 'STEP', 'REASON'],
    rows: found.map(({ step, ...rollout }) => [
      rollout.name,
      rollout.namespace,
      rollout.host,
      rollout.stable,
      rollout.canary,
      rollout.phase,
      `${rollout.canaryWeight}%`,
      `${step.index + 1}/${step.of}`,
      rollout.reason,
    ]),
    none: 'no resources found',
  }))
}

function select<T extends Named>(all: readonly T[], name: string | undefined, options: GetOptions): T[] {
  return all.filter(
    each =>
      (options.allNamespaces === true || each.namespace === options.namespace) &&
      (name === undefined || each.name === name),
  )
}

function requireFound(found: readonly unknown[], what: string, name: string | undefined, options: GetOptions): void {
  if (name === undefined || found.length > 0) return
  throw new CommandFailure(`no ${what} "${name}" in namespace ${options.namespace}`)
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}
