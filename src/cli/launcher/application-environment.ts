// What an application finds in its environment: its port, its name, and the proxy that its calls go through.
import { delimiter, dirname } from 'node:path'
import type { WorkloadSpec } from './workload-spec.ts'

export interface ApplicationPorts {
  /** By the number of the workload's own port: where the application is to listen. */
  readonly byNumber: ReadonlyMap<number, number>
  readonly httpProxy: number
}

const NOT_PROXIED = 'localhost,127.0.0.1,::1'

export function applicationEnvironment(
  spec: WorkloadSpec,
  ports: ApplicationPorts,
  inherited: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const proxy = `http://127.0.0.1:${ports.httpProxy}`
  const named = spec.ports.map(port => [
    `PORT_${port.name.toUpperCase().replaceAll('-', '_')}`,
    portOf(ports, port.number),
  ])
  const first = spec.ports[0]
  // The operator's token is the launcher's alone.
  const { WEFT_TOKEN: _token, ...others } = inherited
  return {
    ...others,
    // `node` is the one that runs Weft, whatever is installed on the machine.
    PATH: [dirname(process.execPath), inherited['PATH']].filter(part => part !== undefined).join(delimiter),
    ...(first === undefined ? {} : { PORT: portOf(ports, first.number) }),
    ...Object.fromEntries(named),
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    NO_PROXY: NOT_PROXIED,
    no_proxy: NOT_PROXIED,
    // Node heeds the two above, in fetch and node:http alike, when told to.
    NODE_USE_ENV_PROXY: '1',
    SERVICE_NAME: spec.service || (spec.labels['app'] ?? ''),
    SERVICE_VERSION: spec.version,
    WEFT_WORKLOAD: spec.name,
    WEFT_NAMESPACE: spec.namespace,
    // As in a pod: the instance's own name.
    HOSTNAME: spec.name,
    ...spec.env,
  }
}

function portOf(ports: ApplicationPorts, number: number): string {
  return String(ports.byNumber.get(number) ?? number)
}
