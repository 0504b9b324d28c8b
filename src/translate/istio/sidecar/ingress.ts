// Sidecar ingress[]: how peers reach the application, and where it is.
import { PORT_PROTOCOLS } from '../../../model/port-protocol.ts'
import type { ServerTls } from '../../../model/server-tls.ts'
import type { IngressEndpoint, IngressListener, IngressPort } from '../../../model/sidecar.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readConnectionPool } from '../contract/connection-pool.ts'
import { readTls } from '../contract/server-tls.ts'
import { readBind, readSidecarPort } from './sidecar-port.ts'

const FORMS = 'write 127.0.0.1:PORT, [::1]:PORT, 0.0.0.0:PORT or [::]:PORT'

export function readIngress(spec: ObjectReader): readonly IngressListener[] {
  const readers = spec.objectList('ingress')
  const listeners = readers.map(readListener)
  const taken = new Set<number>()
  for (const [index, { port }] of listeners.entries()) {
    if (taken.has(port.number) && port.number !== 0)
      spec.sink.contradiction(readers[index]!.place('port'), `port ${port.number} has a listener already`)
    taken.add(port.number)
  }
  return listeners
}

function readListener(reader: ObjectReader): IngressListener {
  const portReader = reader.object('port')
  if (!portReader && !reader.has('port')) reader.missing('port')
  const port: IngressPort = portReader
    ? readSidecarPort(portReader, PORT_PROTOCOLS)
    : { number: 0, protocol: 'HTTP', name: '', position: reader.position }
  // What is not intercepted is bound: the zero value says as much, and so does NONE.
  reader.enumeration('captureMode', ['DEFAULT', 'NONE'], ['IPTABLES'])
  const pool = reader.object('connectionPool')
  const listener: IngressListener = {
    port,
    bind: readBind(reader),
    defaultEndpoint: readEndpoint(reader),
    tls: readIngressTls(reader, port),
    connectionPool: pool ? readConnectionPool(pool) : null,
  }
  reader.done()
  return listener
}

function readEndpoint(reader: ObjectReader): IngressEndpoint | null {
  const text = reader.string('defaultEndpoint') ?? ''
  if (text === '') return null
  const place = reader.place('defaultEndpoint')
  if (text.startsWith('unix://')) {
    reader.sink.unsupported(place, 'a Unix domain socket as endpoint', FORMS)
    return null
  }
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, Math.max(colon, 0))
  const port = /^\d{1,5}$/.test(text.slice(colon + 1)) ? Number(text.slice(colon + 1)) : 0
  const at = HOSTS[host]
  if (at && port >= 1 && port <= 65_535) return { ...at, port }
  reader.sink.badValue(place, `"${text.slice(0, 80)}" is not an endpoint of the workload`, FORMS)
  return null
}

const HOSTS: Readonly<Record<string, Omit<IngressEndpoint, 'port'>>> = {
  '127.0.0.1': { host: 'loopback', address: '127.0.0.1' },
  '[::1]': { host: 'loopback', address: '::1' },
  '0.0.0.0': { host: 'instance', address: '' },
  '[::]': { host: 'instance', address: '' },
}

function readIngressTls(listener: ObjectReader, { protocol }: IngressPort): ServerTls | null {
  const reader = listener.object('tls')
  if (!reader) return null
  if (protocol !== 'HTTPS' && protocol !== 'TLS')
    reader.sink.contradiction(listener.place('tls'), `tls goes with HTTPS or TLS, not with ${protocol}`)
  if (!reader.has('mode')) reader.missing('mode')
  for (const field of ['httpsRedirect', 'subjectAltNames', 'credentialName', 'credentialNames'])
    if (reader.has(field)) reader.sink.contradiction(reader.place(field), `${field} has no place in a Sidecar`)
  const tls = readTls(reader, protocol, ['SIMPLE', 'MUTUAL'])
  reader.done()
  return tls
}
