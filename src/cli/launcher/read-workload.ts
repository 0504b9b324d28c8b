// One entry of weft.yaml's `workloads` to the workloads it stands for: as many as it has replicas.
import { resolve } from 'node:path'
import { NO_LOCALITY } from '../../model/locality.ts'
import { isDnsLabel, readLabels } from '../../translate/document/label-rules.ts'
import type { ObjectReader } from '../../translate/document/object-reader.ts'
import { type GroupParts, withoutProbe } from './group-parts.ts'
import type { HealthCheckSpec, PortSpec, WorkloadSpec } from './workload-spec.ts'

const MAX_PORT = 65_535
const MAX_REPLICAS = 100
const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

export interface WorkloadBase {
  /** Where relative directories begin. */
  readonly root: string
  readonly namespace: string
  /** WorkloadGroups that lie beside weft.yaml. */
  readonly groupOf: (namespace: string, name: string) => GroupParts | undefined
}

export function readWorkload(reader: ObjectReader, base: WorkloadBase): WorkloadSpec[] {
  const namespace = readName(reader, 'namespace', base.namespace)
  const group = readGroup(reader, namespace, base)
  const service = readName(reader, 'service', reader.has('group') ? '' : undefined)
  const version = reader.string('version') ?? group?.labels['version'] ?? ''
  const kept = service === '' ? (group?.group ?? '') : service
  const name = readName(reader, 'name', version === '' ? kept : `${kept}-${version}`)
  const labels = readLabels(reader, 'labels')
  const replicas = reader.integer('replicas', 0, MAX_REPLICAS) ?? 1
  const ports = readPorts(reader)
  const healthCheck = readHealthCheck(reader)
  const locality = readLocality(reader)
  const spec = {
    ...(group && healthCheck ? withoutProbe(group) : group),
    namespace,
    service,
    version,
    description: reader.string('description') ?? '',
    labels: {
      ...(service === '' ? {} : { app: service }),
      ...group?.labels,
      ...(version === '' ? {} : { version }),
      ...labels,
    },
    serviceAccount: readName(reader, 'serviceAccount', group?.serviceAccount ?? 'default'),
    command: readCommand(reader),
    workingDirectory: resolve(base.root, reader.string('workingDirectory') ?? '.'),
    env: readEnvironment(reader),
    ports: ports ?? group?.ports ?? [],
    healthCheck: healthCheck ?? group?.healthCheck ?? { tcp: {} },
    locality: locality ?? group?.locality ?? NO_LOCALITY,
    weight: reader.integer('weight', 1, 128) ?? group?.weight ?? 1,
    hbone: reader.boolean('hbone') ?? false,
    proxy: reader.enumeration('proxy', ['weft', 'envoy']) ?? 'weft',
  }
  reader.done()
  return Array.from({ length: replicas }, (_, index) => ({ ...spec, name: `${name}-${index}` }))
}

/** What the entry itself says holds before what its group does. */
function readGroup(reader: ObjectReader, namespace: string, { groupOf }: WorkloadBase): GroupParts | undefined {
  const name = reader.string('group')
  if (name === undefined) return undefined
  const group = groupOf(namespace, name)
  if (!group)
    reader.sink.error('WEFT-1101', reader.place('group'), `there is no WorkloadGroup ${namespace}/${name} in mesh/`)
  return group
}

function readName(reader: ObjectReader, field: string, otherwise: string | undefined): string {
  const name = otherwise === undefined ? reader.requiredString(field) : (reader.string(field) ?? otherwise)
  // What stands in for an absent field has been checked where it comes from.
  if (name !== '' && name !== otherwise && !isDnsLabel(name)) {
    reader.sink.badValue(reader.place(field), `"${name}" is not a name of lower-case letters, digits and dashes`)
  }
  return name
}

/** A list is run as it is; one text is given to the shell. */
function readCommand(reader: ObjectReader): readonly string[] {
  const value = reader.value('command')
  if (value === undefined) {
    reader.missing('command')
    return []
  }
  if (value.node.kind !== 'list') {
    const text = reader.string('command')
    return text === undefined ? [] : ['/bin/sh', '-c', text]
  }
  const parts = reader.stringList('command').map(part => part.value)
  if (value.node.items.length === 0) reader.missing('command')
  return parts
}

function readEnvironment(reader: ObjectReader): Readonly<Record<string, string>> {
  for (const [name, place] of reader.entries('env')) {
    if (!ENVIRONMENT_NAME.test(name))
      reader.sink.badValue(place, `"${name}" is not the name of an environment variable`)
  }
  return reader.stringMap('env')
}

function readPorts(reader: ObjectReader): readonly PortSpec[] | undefined {
  const single = reader.integer('port', 1, MAX_PORT)
  const listed = reader.objectList('ports').map(item => {
    const port = { name: readName(item, 'name', 'http'), number: item.integer('number', 1, MAX_PORT) ?? 0 }
    if (!item.has('number')) item.missing('number')
    item.done()
    return port
  })
  if (single !== undefined && listed.length > 0)
    reader.sink.contradiction(reader.place('port'), 'port and ports exclude each other')
  const numbers = new Set(listed.map(port => port.number))
  if (numbers.size < listed.length) reader.sink.contradiction(reader.place('ports'), 'a port is named twice')
  if (single !== undefined) return [{ name: 'http', number: single }]
  return reader.has('ports') ? listed : undefined
}

/** Without one, an instance is healthy when its first port accepts connections. */
function readHealthCheck(reader: ObjectReader): HealthCheckSpec | undefined {
  const check = reader.object('healthCheck')
  if (check === undefined) return undefined
  const http = check.object('http')
  const tcp = check.object('tcp')
  const grpc = check.object('grpc')
  if ([http, tcp, grpc].filter(kind => kind !== undefined).length > 1)
    check.sink.contradiction(check.place(grpc ? 'grpc' : 'tcp'), 'http, tcp and grpc exclude each other')
  const spec = {
    ...(grpc && { grpc: { ...optional('service', grpc.string('service')), ...portOf(grpc) } }),
    ...(http && { http: { path: http.string('path') ?? '/', ...portOf(http) } }),
    ...(!grpc && !http && { tcp: portOf(tcp) }),
    ...optional('intervalMs', check.duration('interval', 100)),
    ...optional('timeoutMs', check.duration('timeout', 10)),
    ...optional('healthyThreshold', check.integer('healthyThreshold', 1, 100)),
    ...optional('unhealthyThreshold', check.integer('unhealthyThreshold', 1, 100)),
  }
  http?.done()
  tcp?.done()
  grpc?.done()
  check.done()
  return spec
}

function portOf(reader: ObjectReader | undefined): { readonly port?: number } {
  return optional('port', reader?.integer('port', 1, MAX_PORT))
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V }
}

/** `region/zone/subzone`, as Istio writes it. */
function readLocality(reader: ObjectReader): WorkloadSpec['locality'] | undefined {
  const text = reader.string('locality')
  if (text === undefined) return undefined
  const [region = '', zone = '', subZone = ''] = text.split('/', 3)
  return { region, zone, subZone }
}
