// WorkloadGroup probe: Kubernetes' readiness probe, of an instance that is no pod.
import { OWN_PROBE_FIELDS, type WorkloadProbe } from '../../../model/workload-group.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

const CHECKS = ['httpGet', 'tcpSocket', 'exec', 'grpc'] as const
const LOOPBACK = ['localhost', '127.0.0.1', '::1', '']
const PATH = /^\/[!-~]*$/
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const FIELD_VALUE = /^[\t -~]*$/
const MAX_SECONDS = 3600
const MAX_THRESHOLD = 100
const MAX_SERVICE_NAME = 127

export function readProbe(reader: ObjectReader): WorkloadProbe {
  const given = CHECKS.filter(name => reader.has(name))
  if (given.length === 0) reader.sink.error('WEFT-1006', reader, `a probe needs one of ${CHECKS.join(', ')}`)
  if (given.length > 1) reader.sink.contradiction(reader.place(given[1]!), `${given.join(' and ')} exclude each other`)
  const check = readCheck(reader)
  // 0 stands for the default, as in Kubernetes.
  const probe = {
    check,
    initialDelayMs: (reader.integer('initialDelaySeconds', 0, MAX_SECONDS) ?? 0) * 1000,
    timeoutMs: (reader.integer('timeoutSeconds', 0, MAX_SECONDS) || 1) * 1000,
    periodMs: (reader.integer('periodSeconds', 0, MAX_SECONDS) || 10) * 1000,
    successThreshold: reader.integer('successThreshold', 0, MAX_THRESHOLD) || 1,
    failureThreshold: reader.integer('failureThreshold', 0, MAX_THRESHOLD) || 3,
  }
  reader.done()
  return probe
}

function readCheck(probe: ObjectReader): WorkloadProbe['check'] {
  const [http, tcp, exec, grpc] = CHECKS.map(name => probe.object(name))
  const checks = [
    ...(http ? [readHttp(http)] : []),
    ...(tcp ? [readTcp(tcp)] : []),
    ...(exec ? [readExec(exec)] : []),
    ...(grpc ? [readGrpc(grpc)] : []),
  ]
  return checks[0] ?? { kind: 'tcp', port: 0 }
}

function readHttp(reader: ObjectReader): WorkloadProbe['check'] {
  const written = reader.string('path') ?? ''
  const path = written === '' ? '/' : written
  if (!PATH.test(path)) reader.sink.badValue(reader.place('path'), `"${path.slice(0, 80)}" is not a path`)
  const scheme = reader.enumeration('scheme', ['HTTP', 'HTTPS'])
  const headers = reader.objectList('httpHeaders').map(header => {
    const name = header.requiredString('name').toLowerCase()
    const value = header.string('value') ?? ''
    if (name !== '' && (!FIELD_NAME.test(name) || OWN_PROBE_FIELDS.includes(name)))
      header.sink.badValue(header.place('name'), `"${name.slice(0, 80)}" cannot be sent with a probe`)
    if (!FIELD_VALUE.test(value)) header.sink.badValue(header.place('value'), 'not the value of a header')
    header.done()
    return { name, value }
  })
  checkHost(reader)
  const port = readPort(reader)
  reader.done()
  return { kind: 'http', path, port, tls: scheme === 'HTTPS', headers }
}

function readTcp(reader: ObjectReader): WorkloadProbe['check'] {
  checkHost(reader)
  const port = readPort(reader)
  reader.done()
  return { kind: 'tcp', port }
}

function readExec(reader: ObjectReader): WorkloadProbe['check'] {
  const command = reader.stringList('command').map(({ value }) => value)
  if (command.length === 0) reader.missing('command')
  reader.done()
  return { kind: 'exec', command }
}

function readGrpc(reader: ObjectReader): WorkloadProbe['check'] {
  const service = reader.string('service') ?? ''
  if (service.length > MAX_SERVICE_NAME)
    reader.sink.error('WEFT-1010', reader.place('service'), `longer than ${MAX_SERVICE_NAME} characters`)
  const port = readPort(reader)
  reader.done()
  return { kind: 'grpc', port, service }
}

function readPort(reader: ObjectReader): number {
  const port = reader.integer('port', 1, 65_535)
  if (!reader.has('port')) reader.missing('port')
  return port ?? 0
}

/** A control plane that asks whatever host it is told of would ask for others. */
function checkHost(reader: ObjectReader): void {
  const host = reader.string('host') ?? ''
  if (!LOOPBACK.includes(host))
    reader.sink.unsupported(reader.place('host'), 'asking another host than the application', 'leave host out')
}
