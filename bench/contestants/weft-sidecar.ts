// A sidecar's outbound side without a control plane: YAML through the translator into the data plane, in one process.
// Arguments: DIRECTORY PORT UPSTREAM_PORT.
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { createLog } from '../../src/base/log.ts'
import { formatProblem, type Problem } from '../../src/base/problem.ts'
import { systemRandom } from '../../src/base/random.ts'
import { systemLogFiles } from '../../src/data-plane/access-log/log-file.ts'
import { Proxy } from '../../src/data-plane/proxy.ts'
import { NO_LOCALITY } from '../../src/model/locality.ts'
import type { ProxyNode } from '../../src/model/proxy-node.ts'
import { emit } from '../../src/translate/emit/emit.ts'
import { link } from '../../src/translate/link/link.ts'
import { parseConfig } from '../../src/translate/parse-config.ts'
import { parseMeshConfig } from '../../src/translate/parse-mesh-config.ts'
import type { Network } from '../../src/transport/net/network.ts'
import { systemNetwork } from '../../src/transport/net/system-network.ts'

const [directory, port, upstreamPort] = process.argv.slice(2)
const SERVICE_PORT = 9080

const CONFIG = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: upstream }
spec:
  hosts: [upstream.default.svc.cluster.local]
  ports: [{ number: ${SERVICE_PORT}, name: http, protocol: HTTP }]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { http: ${upstreamPort} } }]
`

const NODE: ProxyNode = {
  id: 'sidecar~127.0.0.1~bench.default~default.svc.cluster.local',
  kind: 'sidecar',
  name: 'bench',
  namespace: 'default',
  labels: { app: 'bench' },
  locality: NO_LOCALITY,
  workload: null,
}

function hold(problems: readonly Problem[]): void {
  const errors = problems.filter(problem => problem.severity === 'error')
  if (errors.length === 0) return
  for (const problem of errors) console.error(formatProblem(problem))
  process.exit(1)
}

/** The one outbound listener, that of the service's port, is where the benchmark wants it. */
const network: Network = {
  ...systemNetwork,
  listen: (_address, _port, onConnection) => systemNetwork.listen('127.0.0.1', Number(port), onConnection),
}
const { objects, problems } = parseConfig([{ file: 'bench.yaml', text: CONFIG }], { defaultNamespace: 'default' })
const mesh = parseMeshConfig({ file: 'mesh.yaml', text: `accessLogFile: ${join(directory!, 'weft-access.log')}` })
hold([...problems, ...mesh.problems])
const resources = emit(link({ objects, services: [], workloads: [], meshConfig: mesh.meshConfig }), NODE)
const log = createLog('bench', 'warn', systemClock, line => process.stderr.write(line))
const proxy = new Proxy({ clock: systemClock, random: systemRandom, log, network, logFiles: systemLogFiles })
const messages = (list: readonly { readonly message: unknown }[]): never[] =>
  list.map(({ message }) => message as never)
hold(proxy.apply('cluster', messages(resources.clusters)))
hold(proxy.apply('endpoint', messages(resources.endpoints)))
hold(proxy.apply('listener', messages(resources.listeners)))
hold(proxy.apply('route', messages(resources.routes)))
process.on('SIGTERM', () => process.exit(0))
