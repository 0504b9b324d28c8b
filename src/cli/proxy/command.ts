// weft proxy: becomes the proxy of one workload, or a gateway; with --envoy, the agent beside a real Envoy.
import { Command } from 'commander'
import { stateOption } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { namespaceOption } from '../contract/namespace-option.ts'
import { parseHostPort, parseLabels, parsePort } from '../contract/option-parsers.ts'
import type { HostPort } from '../contract/process-starters.ts'

interface ProxyOptions {
  readonly workload: string
  readonly namespace: string
  readonly serviceAccount: string
  readonly router?: boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly controlPlane: HostPort
  readonly join: HostPort
  readonly tokenFile?: string
  readonly trustBundle: string
  readonly state: string
  readonly adminPort: number
  readonly envoy?: string
}

export function proxyCommand(context: CliContext): Command {
  return new Command('proxy')
    .description('Run the proxy of one workload, or a gateway. "weft run" and "weft up" do this for you.')
    .requiredOption('--workload <name>', 'the workload it stands beside, as registered')
    .addOption(namespaceOption())
    .option('--service-account <name>', 'whose identity it takes', 'default')
    .option('--router', 'a gateway rather than a sidecar')
    .option('--labels <labels>', 'labels of the workload: KEY=VALUE,KEY=VALUE', parseLabels)
    .requiredOption('--control-plane <host:port>', 'xDS', parseHostPort)
    .requiredOption('--join <host:port>', 'where the one-time token is good', parseHostPort)
    .option('--token-file <file>', 'one-time token; needed until there is a certificate')
    .requiredOption('--trust-bundle <file>', 'roots that the control plane is checked against')
    .addOption(stateOption())
    .option('--admin-port <port>', 'admin interface; 0: any free one', parsePort, 0)
    .option('--envoy <binary>', "run this Envoy with this identity, instead of Weft's own data plane")
    .addHelpText(
      'after',
      '\nExample:\n  weft proxy --workload reviews-v1-0 --service-account bookinfo-reviews --control-plane 127.0.0.1:15012 \\\n' +
        '    --join 127.0.0.1:15013 --token-file token --trust-bundle .weft/control-plane/trust-bundle.pem',
    )
    .action(async (options: ProxyOptions) => {
      const running = await context.starters.proxy({
        workload: options.workload,
        namespace: options.namespace,
        serviceAccount: options.serviceAccount,
        router: options.router === true,
        labels: options.labels ?? {},
        controlPlane: options.controlPlane,
        join: options.join,
        trustBundle: options.trustBundle,
        stateDir: options.state,
        adminPort: options.adminPort,
        ...(options.tokenFile === undefined ? {} : { tokenFile: options.tokenFile }),
        ...(options.envoy === undefined ? {} : { envoy: options.envoy }),
      })
      await running.finished
    })
}
