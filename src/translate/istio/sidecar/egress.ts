// Sidecar egress[]: listeners for what the application sends, each with the hosts that it knows.
import { PORT_PROTOCOLS } from '../../../model/port-protocol.ts'
import type { EgressHost, EgressListener, EgressPort } from '../../../model/sidecar.ts'
import { isDnsLabel } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { checkHost, type PlacedHost } from '../contract/host-place.ts'
import { readBind, readSidecarPort } from './sidecar-port.ts'

const PROTOCOLS = [...PORT_PROTOCOLS, 'HTTP_PROXY'] as const

export function readEgress(spec: ObjectReader): readonly EgressListener[] {
  const readers = spec.objectList('egress')
  const listeners = readers.map((reader, index) => readListener(reader, index === readers.length - 1))
  const taken = new Set<number>()
  for (const [index, { port }] of listeners.entries()) {
    if (!port) continue
    if (taken.has(port.number))
      spec.sink.contradiction(readers[index]!.place('port'), `port ${port.number} has a listener already`)
    taken.add(port.number)
  }
  return listeners
}

function readListener(reader: ObjectReader, last: boolean): EgressListener {
  const port = readPort(reader)
  const bind = readBind(reader)
  // Nothing is ever intercepted: an HTTP proxy port stands for it, or a listener for each port.
  const captureMode = reader.enumeration('captureMode', ['DEFAULT', 'NONE'], ['IPTABLES'])
  if (!last && !reader.has('port'))
    reader.sink.contradiction(reader, 'only the last egress listener may be without a port')
  if (bind !== '' && !isLoopback(bind)) {
    const message = 'whoever reaches this address calls with the identity of the workload'
    reader.sink.report('WEFT-1012', 'warning', reader.place('bind'), message)
  }
  const hosts = reader.stringList('hosts')
  if (hosts.length === 0)
    reader.sink.error('WEFT-1006', reader.place('hosts'), 'an egress listener needs at least one host', '"~/*" is none')
  reader.done()
  return { port, bind, alwaysBound: captureMode === 'NONE', hosts: hosts.flatMap(host => readHost(host, reader)) }
}

function readPort(reader: ObjectReader): EgressPort | null {
  const port = reader.object('port')
  return port ? readSidecarPort(port, PROTOCOLS) : null
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

function readHost({ value, place }: PlacedHost, { sink }: ObjectReader): readonly EgressHost[] {
  const [written, name, ...rest] = value.split('/')
  if (written === undefined || name === undefined || rest.length > 0) {
    sink.badValue(place, `"${value.slice(0, 80)}" is not a host of a namespace`, 'write NAMESPACE/HOST, as "./*"')
    return []
  }
  if (value === '~/*') return []
  const excluded = written.startsWith('~')
  // A bare tilde leaves the host out whichever namespace it is of.
  const namespace = excluded ? written.slice(1) || '*' : written
  if (namespace !== '*' && namespace !== '.' && !isDnsLabel(namespace))
    sink.badValue(place, `"${written.slice(0, 80)}" is not a namespace, ".", "*" or "~"`)
  checkHost(name, place, sink, true)
  return [{ namespace, host: name.toLowerCase(), excluded, position: place.position }]
}
