// ServiceEntries of one namespace for one host are one service, as Istio sees it: ports and endpoints of all of them.
import type { MeshEndpoint, MeshService, MeshServicePort } from './mesh-service.ts'

/** They can be one where they resolve alike; what is said of the service as a whole, the first says. */
export function joinEntries(first: MeshService, second: MeshService): MeshService | null {
  if (first.resolution !== second.resolution) return null
  const known = new Set(first.ports.map(port => port.number))
  const made = new Map<number, readonly MeshEndpoint[]>()
  return {
    ...first,
    ports: [...first.ports, ...second.ports.filter(port => !known.has(port.number))],
    addresses: [...new Set([...first.addresses, ...second.addresses])],
    origins: [...first.origins, ...second.origins],
    endpoints(port) {
      let endpoints = made.get(port.number)
      if (!endpoints) {
        endpoints = [...endpointsOf(first, port), ...endpointsOf(second, port)]
        made.set(port.number, endpoints)
      }
      return endpoints
    },
    subjectAltNames: () => [...new Set([...first.subjectAltNames(), ...second.subjectAltNames()])].sort(),
  }
}

/** By number: the entries may call the port differently. */
function endpointsOf(service: MeshService, { number }: MeshServicePort): readonly MeshEndpoint[] {
  const own = service.ports.find(port => port.number === number)
  return own ? service.endpoints(own) : []
}
