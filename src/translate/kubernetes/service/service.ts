// A Kubernetes Service (v1), as a mesh without Kubernetes can honour it.
import type { Service, ServicePort } from '../../../model/service.ts'
import type { KindDefinition, ObjectContext } from '../../document/kind-definition.ts'
import { isDnsLabel, readLabels } from '../../document/label-rules.ts'
import { type ObjectReader, wrongType } from '../../document/object-reader.ts'
import { isIpAddress } from '../../host/ip-address.ts'
import { portProtocol } from '../../host/port-protocol.ts'

export const SERVICE: KindDefinition<'Service'> = { kind: 'Service', apiVersions: ['v1'], parseSpec }

/** They steer kube-proxy and cloud load balancers, which are not there: taken, so that a cluster's manifests apply. */
const WITHOUT_EFFECT = [
  'ipFamilies',
  'ipFamilyPolicy',
  'allocateLoadBalancerNodePorts',
  'loadBalancerClass',
  'loadBalancerIP',
  'loadBalancerSourceRanges',
  'externalTrafficPolicy',
  'healthCheckNodePort',
  'externalIPs',
]

function parseSpec(spec: ObjectReader, context: ObjectContext): Service {
  const { sink } = spec
  const type = spec.enumeration('type', ['ClusterIP', 'NodePort', 'LoadBalancer'], ['ExternalName']) ?? 'ClusterIP'
  spec.unsupported('externalName')
  const clusterIp = spec.string('clusterIP') ?? ''
  const clusterIps = spec.stringList('clusterIPs')
  for (const { value, place } of [{ value: clusterIp, place: spec.place('clusterIP') }, ...clusterIps])
    if (value !== '' && value !== 'None' && !isIpAddress(value))
      sink.badValue(place, `"${value}" is not an address or None`)
  checkAffinity(spec)
  checkAnnotations(context, spec)
  const ports = readPorts(spec)
  for (const field of WITHOUT_EFFECT)
    if (spec.has(field))
      sink.report('WEFT-1012', 'info', spec.place(field), `${field} has no effect outside Kubernetes`)
  const headless = clusterIp === 'None'
  const addresses = new Set([clusterIp, ...clusterIps.map(entry => entry.value)])
  addresses.delete('')
  addresses.delete('None')
  const service: Service = {
    type,
    selector: readServiceSelector(spec),
    ports,
    headless,
    addresses: [...addresses],
    publishNotReadyAddresses: spec.boolean('publishNotReadyAddresses') ?? false,
    exportTo: exportToOf(context, spec),
  }
  spec.done()
  return service
}

/** An empty selector is none, in Kubernetes. */
function readServiceSelector(spec: ObjectReader): Readonly<Record<string, string>> | null {
  const labels = readLabels(spec, 'selector')
  return Object.keys(labels).length > 0 ? labels : null
}

function checkAffinity(spec: ObjectReader): void {
  if (spec.enumeration('sessionAffinity', ['None', 'ClientIP']) === 'ClientIP')
    spec.sink.unsupported(spec.place('sessionAffinity'), 'sessionAffinity ClientIP')
  spec.unsupported('sessionAffinityConfig', 'trafficDistribution')
  if (spec.enumeration('internalTrafficPolicy', ['Cluster', 'Local']) === 'Local')
    spec.sink.unsupported(spec.place('internalTrafficPolicy'), 'internalTrafficPolicy Local')
}

function checkAnnotations({ annotations }: ObjectContext, spec: ObjectReader): void {
  const name = 'networking.istio.io/traffic-distribution'
  if (annotations[name] === undefined) return
  spec.sink.unsupported({ path: `metadata.annotations["${name}"]`, position: spec.position }, name)
}

/** Annotation networking.istio.io/exportTo: `.`, `*`, `~` or namespaces, separated by commas. */
function exportToOf({ annotations, namespace }: ObjectContext, spec: ObjectReader): readonly string[] {
  const text = annotations['networking.istio.io/exportTo']
  if (text === undefined) return []
  const targets = text.split(',').map(part => part.trim())
  for (const target of targets)
    if (!['*', '.', '~'].includes(target) && !isDnsLabel(target))
      spec.sink.badValue(
        { path: 'metadata.annotations["networking.istio.io/exportTo"]', position: spec.position },
        `"${target}" is not a namespace, ".", "~" or "*"`,
      )
  return targets.map(target => (target === '.' ? namespace : target))
}

function readPorts(spec: ObjectReader): readonly ServicePort[] {
  const readers = spec.objectList('ports')
  if (readers.length === 0) spec.sink.error('WEFT-1006', spec.place('ports'), 'a Service needs at least one port')
  const seen = new Set<string | number>()
  return readers.map(reader => {
    const port = readPort(reader, readers.length > 1)
    for (const key of [port.number, port.name]) {
      if (seen.has(key) && key !== '' && key !== 0)
        reader.sink.contradiction(
          reader,
          `the port ${typeof key === 'number' ? 'number' : 'name'} ${key} is used twice`,
        )
      seen.add(key)
    }
    return port
  })
}

function readPort(reader: ObjectReader, needsName: boolean): ServicePort {
  const { sink } = reader
  const number = reader.integer('port', 1, 65_535)
  if (number === undefined && !reader.has('port')) reader.missing('port')
  const name = needsName ? reader.requiredString('name') : (reader.string('name') ?? '')
  if (name !== '' && !isDnsLabel(name)) sink.badValue(reader.place('name'), `"${name.slice(0, 80)}" is not a port name`)
  const transport = reader.enumeration('protocol', ['TCP', 'UDP', 'SCTP']) ?? 'TCP'
  const appProtocol = reader.string('appProtocol')
  if (transport !== 'TCP')
    sink.error('WEFT-1007', reader.place('protocol'), `${transport} is never proxied`, 'leave this port out')
  reader.ignore('nodePort')
  const targetPort = readTargetPort(reader) ?? number ?? 0
  reader.done()
  return { name, number: number ?? 0, targetPort, protocol: portProtocol(name, appProtocol, number ?? 0) }
}

function readTargetPort(reader: ObjectReader): number | string | undefined {
  const value = reader.value('targetPort')
  if (!value) return undefined
  const raw = value.node.kind === 'scalar' ? value.node.value : undefined
  if (typeof raw === 'string') {
    if (/[a-z]/.test(raw) && isDnsLabel(raw) && raw.length <= 15) return raw
    reader.sink.badValue(value, `"${raw.slice(0, 80)}" is not a port name`)
    return undefined
  }
  if (typeof raw === 'number') return reader.integer('targetPort', 0, 65_535) || undefined
  wrongType(value, 'a port number or name', reader.sink)
  return undefined
}
