// weft control-plane: becomes the control plane.
import { Command, Option } from 'commander'
import { stateOption } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { parsePort } from '../contract/option-parsers.ts'

interface ControlPlaneOptions {
  readonly state: string
  readonly apiPort?: number
  readonly xdsPort?: number
  readonly joinPort?: number
  readonly xdsPlaintextPort?: number
  readonly config?: string
  readonly meshConfig?: string
  readonly rateLimitRedis?: string
}

export function controlPlaneCommand(context: CliContext): Command {
  return new Command('control-plane')
    .description('Run the control plane: registry, configuration, certificates, xDS and the API.')
    .addOption(stateOption())
    .option('--api-port <port>', 'REST API; 0: any free one', parsePort)
    .option('--xds-port <port>', 'xDS and certificate renewal over mutual TLS; 0: any free one', parsePort)
    .option('--join-port <port>', 'where a workload comes with its one-time token; 0: any free one', parsePort)
    .option(
      '--xds-plaintext-port <port>',
      'xDS without TLS on loopback, for gRPC clients that know no other',
      parsePort,
    )
    .option('--config <dir>', 'directory of Kubernetes and Istio resources, watched for changes')
    .option('--mesh-config <file>', 'Istio MeshConfig')
    .addOption(
      new Option('--rate-limit-redis <url>', 'count global rate limits there: redis://host:6379').env(
        'WEFT_RATE_LIMIT_REDIS',
      ),
    )
    .addHelpText('after', '\nExample:\n  weft control-plane --state .weft --config mesh/')
    .action(async (options: ControlPlaneOptions) => {
      const running = await context.starters.controlPlane({
        stateDir: options.state,
        ...(options.apiPort === undefined ? {} : { apiPort: options.apiPort }),
        ...(options.xdsPort === undefined ? {} : { xdsPort: options.xdsPort }),
        ...(options.joinPort === undefined ? {} : { joinPort: options.joinPort }),
        ...(options.xdsPlaintextPort === undefined ? {} : { xdsPlaintextPort: options.xdsPlaintextPort }),
        ...(options.config === undefined ? {} : { configDir: options.config }),
        ...(options.meshConfig === undefined ? {} : { meshConfigFile: options.meshConfig }),
        ...(options.rateLimitRedis === undefined ? {} : { rateLimitRedis: options.rateLimitRedis }),
      })
      await running.finished
    })
}
