// Servers of gateways that cannot both have their port, and such as have nothing to pass on.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import { type GatewayServer, kindOfServer } from '../../model/gateway.ts'
import { isPassedThrough } from '../../model/server-tls.ts'
import { intersectHosts } from '../host/host-name.ts'
import type { Findings } from './findings.ts'
import type { LinkedMesh } from './linked-mesh.ts'

type Gateway = ConfigObjectOf<'Gateway'>

interface Placed {
  readonly gateway: Gateway
  readonly server: GatewayServer
}

/** Of gateways with one selector: whether others meet on a workload is not known here. */
export function checkServers(mesh: LinkedMesh, findings: Findings): void {
  const places = new Map<string, Placed[]>()
  for (const gateway of mesh.gateways)
    for (const [index, server] of gateway.spec.servers.entries()) {
      const selector = JSON.stringify(Object.entries(gateway.spec.selector).sort())
      const key = `${server.port.number}|${server.bind}|${selector}`
      const earlier = places.get(key) ?? []
      const other = earlier.find(candidate => excludes(candidate.server, server))
      if (other) {
        const name = `${other.gateway.namespace}/${other.gateway.name}`
        const message = `port ${server.port.number} is taken by the server ${other.server.port.name} of ${name}, which is used`
        findings.add('WEFT-1012', gateway, `spec.servers[${index}].port`, server.position, message)
        continue
      }
      if (!hasRules(mesh, gateway, server))
        findings.add('WEFT-1012', gateway, `spec.servers[${index}]`, server.position, 'no rule says where its bytes go')
      places.set(key, [...earlier, { gateway, server }])
    }
}

/** Bytes have no name to be told apart by, and plaintext none that TLS could have. */
function excludes(first: GatewayServer, second: GatewayServer): boolean {
  const kind = kindOfServer(first)
  if (kind !== kindOfServer(second) || kind === 'bytes') return true
  const ended = [first, second].every(({ tls }) => tls !== null && !isPassedThrough(tls))
  return kind === 'tls' && ended && second.hosts.every(({ host }) => first.hosts.some(own => own.host === host))
}

function hasRules(mesh: LinkedMesh, { namespace, name }: Gateway, server: GatewayServer): boolean {
  if (kindOfServer(server) === 'requests' || server.port.protocol === 'HTTPS') return true
  if (server.tls?.mode === 'AUTO_PASSTHROUGH') return true
  const rules = server.tls?.mode === 'PASSTHROUGH' ? 'tls' : 'tcp'
  const hosts = server.hosts.map(({ host }) => host)
  return mesh.virtualServices.some(
    service =>
      service[rules].length > 0 &&
      service.gateways.has(`${namespace}/${name}`) &&
      intersectHosts(hosts, service.hosts).length > 0,
  )
}
