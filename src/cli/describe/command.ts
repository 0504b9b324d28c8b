// weft describe: what applies to a service or a workload, in the words of istioctl x describe.
import { Command } from 'commander'
import { chooseWorkload } from '../client/find-workload.ts'
import { addMeshOptions, connectToMesh, type MeshOptions } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { EXIT } from '../contract/exit-code.ts'
import { namespaceOption } from '../contract/namespace-option.ts'
import { parseWorkloadName } from '../contract/option-parsers.ts'
import { type OutputForm, outputOption, printData } from '../output/print-data.ts'
import { describeHost } from './describe-host.ts'
import { describeRollout } from './describe-rollout.ts'
import { describeService } from './describe-service.ts'
import { describeWorkload } from './describe-workload.ts'
import { MeshView } from './mesh-view.ts'

interface DescribeOptions extends MeshOptions {
  readonly namespace: string
  readonly output: OutputForm
}

export function describeCommand(context: CliContext): Command {
  const command = new Command('describe')
    .description(
      'Explain what applies to a service or a workload: rules, routes, subsets, mutual TLS; or how a rollout fares.',
    )
    .argument('<what>', 'service, workload or rollout')
    .argument('<name>', 'NAME or NAME.NAMESPACE; of a service outside the mesh, its host')
    .addOption(namespaceOption())
    .addOption(outputOption())
  return addMeshOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  weft describe service reviews\n  weft describe workload reviews-v1-0\n  weft describe rollout reviews-v3',
    )
    .action(async (what: string, text: string, options: DescribeOptions) => {
      const name = parseWorkloadName(text, options.namespace)
      const api = connectToMesh(context, options)
      if (['rollout', 'rollouts', 'ro'].includes(what)) {
        const { namespace } = name
        print(context, options, describeRollout(await api.get(`/v1/rollouts/${namespace}/${name.name}`)))
        return
      }
      const isService = ['service', 'services', 'svc'].includes(what)
      if (!isService && !['workload', 'workloads', 'instance', 'pod'].includes(what)) {
        throw new CommandFailure(`"${what}" cannot be described; a service, a workload or a rollout can`, EXIT.usage)
      }
      const view = await MeshView.fetch(api)
      const lines = isService
        ? (describeService(view, name) ?? describeHost(view, text.toLowerCase()))
        : describeWorkload(view, chooseWorkload(view.workloads, name))
      if (lines === null) throw new CommandFailure(`no service "${name.name}" in namespace ${name.namespace}`)
      print(context, options, lines)
    })
}

function print(context: CliContext, { output }: DescribeOptions, lines: readonly string[]): void {
  if (output === 'table') context.stdout(`${lines.join('\n')}\n`)
  else printData(context, output, { description: lines }, () => ({ header: [], rows: [], none: '' }))
}
