// Istio's ServiceEntry (networking.istio.io).
import { familyOf, type PortProtocol } from '../../../model/port-protocol.ts'
import type { Resolution, ServiceEntry, ServiceEntryPort } from '../../../model/service-entry.ts'
import type { WorkloadEntry } from '../../../model/workload-entry.ts'
import type { KindDefinition, ObjectContext } from '../../document/kind-definition.ts'
import { isDnsLabel, readExportTo, readSelector } from '../../document/label-rules.ts'
import { nearestName } from '../../document/nearest-name.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { isWildcard } from '../../host/host-name.ts'
import { isCidr, isIpAddress } from '../../host/ip-address.ts'
import { namedProtocol, portProtocol } from '../../host/port-protocol.ts'
import { checkHost, type PlacedHost } from '../contract/host-place.ts'
import { readWorkloadEntry } from '../contract/workload-entry-fields.ts'

const MAX_HOSTS = 256
const MAX_ENDPOINTS = 4096

export const SERVICE_ENTRY: KindDefinition<'ServiceEntry'> = {
  kind: 'ServiceEntry',
  apiVersions: ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'],
  parseSpec,
}

function parseSpec(spec: ObjectReader, { namespace }: ObjectContext): ServiceEntry {
  const hosts = spec.stringList('hosts')
  const addresses = spec.stringList('addresses')
  const location = spec.enumeration('location', ['MESH_EXTERNAL', 'MESH_INTERNAL']) ?? 'MESH_EXTERNAL'
  const written = spec.enumeration('resolution', ['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'])
  const resolution = written ?? 'NONE'
  const endpointReaders = spec.objectList('endpoints')
  if (endpointReaders.length > MAX_ENDPOINTS)
    spec.sink.error('WEFT-1010', spec.place('endpoints'), `more than ${MAX_ENDPOINTS} endpoints`)
  const endpoints = endpointReaders.slice(0, MAX_ENDPOINTS).map(readWorkloadEntry)
  const workloadSelector = readSelector(spec, 'workloadSelector', 'labels')
  if (workloadSelector && endpoints.length > 0)
    spec.sink.contradiction(spec.place('workloadSelector'), 'only one of endpoints and workloadSelector may be set')
  checkHosts(spec, hosts)
  for (const { value, place } of addresses)
    if (!isIpAddress(value) && (resolvesNames(resolution) || !isCidr(value)))
      spec.sink.badValue(
        place,
        `"${value.slice(0, 80)}" is not an address${resolvesNames(resolution) ? '' : ' or CIDR'}`,
      )
    else if (value.includes('/') && !isSingleAddress(value))
      spec.sink.report('WEFT-1012', 'warning', place, `"${value}": a range of addresses has no effect for HTTP`)
  checkResolution(spec, resolution, hosts, endpoints, endpointReaders)
  const ports = readPorts(spec)
  checkEndpointPorts(endpointReaders, ports)
  if (resolution === 'DYNAMIC_DNS') checkDynamic(spec, hosts, ports)
  const entry: ServiceEntry = {
    hosts: hosts.map(({ value, place }) => ({ value: value.toLowerCase(), position: place.position })),
    addresses: addresses.map(address => withoutMask(address.value)),
    ports,
    location,
    resolution,
    endpoints,
    workloadSelector,
    exportTo: readExportTo(spec, namespace),
    subjectAltNames: spec.stringList('subjectAltNames').map(name => name.value),
  }
  spec.done()
  return entry
}

/** A CIDR of one address. */
function isSingleAddress(text: string): boolean {
  return text.endsWith(text.includes(':') ? '/128' : '/32')
}

function withoutMask(text: string): string {
  return isSingleAddress(text) ? text.slice(0, text.indexOf('/')) : text
}

/** Istio refuses ports of endpoints that the entry itself has not: nothing would ever be sent to them. */
function checkEndpointPorts(endpoints: readonly ObjectReader[], ports: readonly ServiceEntryPort[]): void {
  const names = new Set(ports.map(port => port.name))
  for (const endpoint of endpoints)
    for (const [name, place] of endpoint.entries('ports')) {
      if (names.has(name)) continue
      const near = nearestName(name, names)
      const message = `no port of the ServiceEntry is called "${name.slice(0, 80)}"`
      endpoint.sink.badValue(place, message, near && `did you mean "${near}"?`)
    }
}

function checkHosts(spec: ObjectReader, hosts: readonly PlacedHost[]): void {
  if (hosts.length === 0) spec.sink.error('WEFT-1006', spec.place('hosts'), 'a ServiceEntry needs at least one host')
  if (hosts.length > MAX_HOSTS) spec.sink.error('WEFT-1010', spec.place('hosts'), `more than ${MAX_HOSTS} hosts`)
  for (const { value, place } of hosts) {
    if (value === '*') spec.sink.badValue(place, '"*" cannot be the host of a ServiceEntry')
    else checkHost(value, place, spec.sink, true)
    if (value !== '' && !value.includes('.') && !isWildcard(value))
      spec.sink.report('WEFT-1012', 'warning', place, `"${value}" is used as it is: short names are not expanded here`)
  }
}

function resolvesNames(resolution: Resolution): boolean {
  return resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN'
}

function checkResolution(
  spec: ObjectReader,
  resolution: Resolution,
  hosts: readonly PlacedHost[],
  endpoints: readonly WorkloadEntry[],
  readers: readonly ObjectReader[],
): void {
  if (resolution === 'STATIC')
    for (const [index, endpoint] of endpoints.entries())
      if (endpoint.address !== '' && !isIpAddress(endpoint.address))
        spec.sink.badValue(
          readers[index]!.place('address'),
          `"${endpoint.address}" is not an IP address`,
          'or use resolution: DNS',
        )
  if (resolution === 'NONE' && endpoints.length > 0)
    spec.sink.contradiction(spec.place('endpoints'), 'endpoints go with another resolution than NONE')
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1)
    spec.sink.contradiction(spec.place('endpoints'), 'DNS_ROUND_ROBIN takes one endpoint')
  if (resolvesNames(resolution) && endpoints.length === 0 && !spec.has('workloadSelector'))
    for (const { value, place } of hosts)
      if (isWildcard(value)) spec.sink.contradiction(place, `"${value}" cannot be resolved by DNS without endpoints`)
}

/** What has no name to be resolved cannot be sent anywhere. */
function checkDynamic(spec: ObjectReader, hosts: readonly PlacedHost[], ports: readonly ServiceEntryPort[]): void {
  for (const { value, place } of hosts)
    if (!isWildcard(value)) spec.sink.contradiction(place, 'DYNAMIC_DNS is for wildcard hosts', 'use resolution: DNS')
  for (const field of ['endpoints', 'workloadSelector'])
    if (spec.has(field)) spec.sink.contradiction(spec.place(field), `${field} does not go with DYNAMIC_DNS`)
  const readers = spec.objectList('ports')
  for (const [index, { protocol }] of ports.entries()) {
    const family = familyOf(protocol)
    if (family !== 'http1' && family !== 'http2')
      spec.sink.unsupported(readers[index]!.place('protocol'), `DYNAMIC_DNS for ${protocol}`, 'use HTTP, HTTP2 or GRPC')
  }
}

function readPorts(spec: ObjectReader): readonly ServiceEntryPort[] {
  const readers = spec.objectList('ports')
  if (readers.length === 0) spec.sink.error('WEFT-1006', spec.place('ports'), 'a ServiceEntry needs at least one port')
  const seen = new Set<string | number>()
  return readers.map(reader => {
    const number = reader.integer('number', 1, 65_535)
    if (number === undefined && !reader.has('number')) reader.missing('number')
    const name = reader.requiredString('name')
    if (name !== '' && !isDnsLabel(name.toLowerCase()))
      reader.sink.badValue(reader.place('name'), `"${name.slice(0, 80)}" is not a port name`)
    for (const key of [number, name]) {
      if (key !== undefined && key !== '' && seen.has(key))
        reader.sink.contradiction(
          reader,
          `the port ${typeof key === 'number' ? 'number' : 'name'} ${key} is used twice`,
        )
      if (key !== undefined) seen.add(key)
    }
    const protocol = readProtocol(reader, number ?? 0)
    const targetPort = reader.integer('targetPort', 0, 65_535) || undefined
    reader.done()
    return { number: number ?? 0, name, protocol, ...(targetPort === undefined ? {} : { targetPort }) }
  })
}

/** The name of the port says nothing here. */
function readProtocol(reader: ObjectReader, number: number): PortProtocol {
  const written = reader.string('protocol')
  if (written === undefined || written === '') return portProtocol('', undefined, number)
  const protocol = namedProtocol(written)
  if (protocol) return protocol
  reader.sink.badValue(reader.place('protocol'), `"${written.slice(0, 40)}" is not a protocol`, 'write HTTP')
  return 'HTTP'
}
