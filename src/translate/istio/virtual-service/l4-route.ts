// VirtualService tcp[] and tls[].
import type { L4Match, L4Route } from '../../../model/l4-route.ts'
import { readLabels } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { hostWithin } from '../../host/host-name.ts'
import { isCidr, isIpAddress } from '../../host/ip-address.ts'
import { checkHost, type PlacedHost } from '../contract/host-place.ts'
import { checkGatewayName } from './gateway-name.ts'
import { readDestinations } from './http-action.ts'

export function readTcpRoute(reader: ObjectReader, forMesh: boolean): L4Route {
  const matches = reader.objectList('match').map(match => {
    // Istio takes the field and does not look at it: the rule holds for every client.
    if (match.has('sourceSubnet'))
      match.sink.unsupported(match.place('sourceSubnet'), 'sourceSubnet', 'Istio takes it without effect')
    return readMatch(match, [], forMesh)
  })
  return readRoute(reader, matches)
}

/** `hosts` are the VirtualService's: a name that none of them holds is refused, as in Istio. */
export function readTlsRoute(reader: ObjectReader, hosts: readonly PlacedHost[], forMesh: boolean): L4Route {
  const readers = reader.objectList('match')
  if (readers.length === 0)
    reader.sink.error('WEFT-1006', reader.place('match'), 'a TLS route needs at least one match')
  const matches = readers.map(match => {
    const names = match.stringList('sniHosts')
    if (names.length === 0) match.missing('sniHosts')
    for (const { value, place } of names) {
      checkHost(value, place, match.sink, true)
      const held = hosts.some(host => hostWithin(value.toLowerCase(), host.value.toLowerCase()))
      if (!held) match.sink.contradiction(place, `no host of the VirtualService holds "${value.slice(0, 80)}"`)
    }
    return readMatch(
      match,
      names.map(name => name.value.toLowerCase()),
      forMesh,
    )
  })
  return readRoute(reader, matches)
}

function readRoute(reader: ObjectReader, matches: readonly L4Match[]): L4Route {
  const destinations = readDestinations(reader)
  if (destinations.length === 0)
    reader.sink.error('WEFT-1006', reader.place('route'), 'a route needs at least one destination')
  for (const item of reader.list('route'))
    if (item.node.kind === 'map' && item.node.entries.has('headers'))
      reader.sink.contradiction(item, 'bytes have no headers')
  reader.done()
  return { matches, destinations, position: reader.position }
}

function readMatch(reader: ObjectReader, sniHosts: readonly string[], forMesh: boolean): L4Match {
  const { sink } = reader
  const subnets = reader.stringList('destinationSubnets')
  for (const { value, place } of subnets)
    if (!isIpAddress(value) && !isCidr(value)) sink.badValue(place, `"${value.slice(0, 80)}" is not an address or CIDR`)
  const gateways = reader.stringList('gateways')
  for (const { value, place } of gateways) checkGatewayName(value, place, sink)
  const port = reader.integer('port', 1, 65_535)
  const match: L4Match = {
    sniHosts,
    destinationSubnets: subnets.map(subnet => subnet.value),
    ...(port === undefined ? {} : { port }),
    sourceLabels: readLabels(reader, 'sourceLabels'),
    sourceNamespace: reader.string('sourceNamespace') ?? '',
    gateways: gateways.map(gateway => gateway.value),
    position: reader.position,
  }
  reader.done()
  const atGateways = match.gateways.length > 0 ? !match.gateways.includes('mesh') : !forMesh
  for (const field of ['destinationSubnets', 'sourceLabels', 'sourceNamespace'])
    if (atGateways && reader.has(field))
      sink.report('WEFT-1012', 'warning', reader.place(field), `${field} has no effect at a gateway, as in Istio`)
  return match
}
