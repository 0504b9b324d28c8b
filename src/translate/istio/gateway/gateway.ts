// Istio's Gateway (networking.istio.io).
import type { Gateway, GatewayHost, GatewayServer } from '../../../model/gateway.ts'
import { PORT_PROTOCOLS } from '../../../model/port-protocol.ts'
import type { KindDefinition, ObjectContext } from '../../document/kind-definition.ts'
import { isDnsLabel, readLabels } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { isIpAddress } from '../../host/ip-address.ts'
import { checkHost } from '../contract/host-place.ts'
import { readServerTls } from './server-tls.ts'

export const GATEWAY: KindDefinition<'Gateway'> = {
  kind: 'Gateway',
  apiVersions: ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'],
  parseSpec,
}

function parseSpec(spec: ObjectReader, { namespace }: ObjectContext): Gateway {
  const selector = readLabels(spec, 'selector')
  const readers = spec.objectList('servers')
  if (readers.length === 0) spec.sink.error('WEFT-1006', spec.place('servers'), 'a Gateway needs at least one server')
  const servers = readers.map(reader => readServer(reader, namespace))
  const names = new Set<string>()
  for (const [index, server] of servers.entries()) {
    const place = readers[index]!.place('port')
    if (names.has(server.port.name) && server.port.name !== '')
      spec.sink.contradiction(place, `the port name "${server.port.name}" is used twice`)
    names.add(server.port.name)
  }
  spec.done()
  return { selector, servers }
}

function readServer(reader: ObjectReader, namespace: string): GatewayServer {
  const { sink } = reader
  const port = reader.object('port')
  if (!port && !reader.has('port')) reader.missing('port')
  const number = port?.integer('number', 1, 65_535) ?? 0
  if (port && !port.has('number')) port.missing('number')
  const portName = port?.requiredString('name') ?? ''
  if (port && !port.has('protocol')) port.missing('protocol')
  const protocol = port?.enumeration('protocol', PORT_PROTOCOLS) ?? 'HTTP'
  if (port?.has('targetPort'))
    sink.report('WEFT-1012', 'warning', port.place('targetPort'), 'targetPort has no effect in a Gateway')
  port?.done()
  const bind = reader.string('bind') ?? ''
  if (bind !== '' && !isIpAddress(bind)) sink.badValue(reader.place('bind'), `"${bind.slice(0, 80)}" is not an address`)
  reader.unsupported('defaultEndpoint')
  const tls = readServerTls(reader, protocol)
  const hosts = reader.stringList('hosts')
  if (hosts.length === 0)
    sink.error('WEFT-1006', reader.place('hosts'), 'a server needs at least one host', '"*" takes all')
  const server: GatewayServer = {
    name: reader.string('name') ?? '',
    port: { number, name: portName, protocol },
    bind,
    hosts: hosts.map(({ value, place }): GatewayHost => {
      const slash = value.indexOf('/')
      const written = slash < 0 ? '*' : value.slice(0, slash)
      const host = value.slice(slash + 1).toLowerCase()
      checkHost(host, place, sink, true)
      if (written !== '*' && written !== '.' && !isDnsLabel(written))
        sink.badValue(place, `"${written.slice(0, 80)}" is not a namespace, "." or "*"`)
      return { namespace: written === '.' ? namespace : written, host, position: place.position }
    }),
    ...tls,
    position: reader.position,
  }
  reader.done()
  return server
}
