// weft bootstrap: the bootstrap for a real Envoy in the place of a workload's proxy.
import { Command } from 'commander'
import type { MeshAnswer } from '../client/api-answer.ts'
import { findWorkload } from '../client/find-workload.ts'
import { addMeshOptions, connectToMesh, type MeshOptions } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { namespaceOption } from '../contract/namespace-option.ts'
import { parseHostPort, parseWorkloadName } from '../contract/option-parsers.ts'

interface BootstrapOptions extends MeshOptions {
  readonly namespace: string
}

export function bootstrapCommand(context: CliContext): Command {
  const command = new Command('bootstrap')
    .description('Print the Envoy bootstrap (JSON) of a registered workload: ADS over mutual TLS, secrets by SDS.')
    .argument('<workload>', 'NAME, a beginning of it that is enough, or NAME.NAMESPACE')
    .addOption(namespaceOption())
  return addMeshOptions(command)
    .addHelpText('after', '\nExample:\n  weft bootstrap reviews-v2 > envoy.json && envoy -c envoy.json')
    .action(async (text: string, options: BootstrapOptions) => {
      const workload = parseWorkloadName(text, options.namespace)
      const api = connectToMesh(context, options)
      const mesh = await api.get<MeshAnswer>('/v1/mesh')
      const instance = await findWorkload(api, workload)
      const bootstrap = await context.starters.bootstrap({
        workload: instance.name,
        namespace: instance.namespace,
        serviceAccount: instance.serviceAccount,
        router: instance.proxy?.kind === 'router',
        labels: instance.labels,
        controlPlane: parseHostPort(mesh.xds),
        stateDir: options.state,
        adminPort: instance.proxy?.adminPort ?? 0,
      })
      context.stdout(bootstrap.endsWith('\n') ? bootstrap : `${bootstrap}\n`)
    })
}
