// Istio's Sidecar (networking.istio.io): one egress listener for all ports; ports of its own are refused by name.
import type { EgressHost, Sidecar } from '../../../model/sidecar.ts'
import type { KindDefinition } from '../../document/kind-definition.ts'
import { isDnsLabel, readSelector } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { checkHost, type PlacedHost } from '../contract/host-place.ts'

export const SIDECAR: KindDefinition<'Sidecar'> = {
  kind: 'Sidecar',
  apiVersions: ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'],
  parseSpec,
}

function parseSpec(spec: ObjectReader): Sidecar {
  const workloadSelector = readSelector(spec, 'workloadSelector', 'labels')
  // What a workload lets in is what it declares when it registers.
  spec.unsupported('ingress', 'inboundConnectionPool')
  const readers = spec.objectList('egress')
  const hosts = readers.flatMap((reader, index) => readEgress(reader, index === readers.length - 1))
  const policy = spec.object('outboundTrafficPolicy')
  policy?.unsupported('egressProxy')
  // Its zero value; without the block it is the mesh's.
  const mode = policy && (policy.enumeration('mode', ['REGISTRY_ONLY', 'ALLOW_ANY']) ?? 'REGISTRY_ONLY')
  policy?.done()
  if (readers.length === 0 && !policy && !spec.has('ingress'))
    spec.sink.error('WEFT-1006', spec, 'a Sidecar needs egress or outboundTrafficPolicy')
  spec.done()
  return {
    workloadSelector,
    egressHosts: readers.length === 0 ? null : hosts,
    outboundTrafficPolicy: mode ?? null,
  }
}

function readEgress(reader: ObjectReader, last: boolean): readonly EgressHost[] {
  reader.unsupported('port', 'bind')
  // Nothing is ever intercepted: the zero value says as much, and so does NONE.
  reader.enumeration('captureMode', ['DEFAULT', 'NONE'], ['IPTABLES'])
  if (!last && !reader.has('port'))
    reader.sink.contradiction(reader, 'only the last egress listener may be without a port')
  const hosts = reader.stringList('hosts')
  if (hosts.length === 0)
    reader.sink.error('WEFT-1006', reader.place('hosts'), 'an egress listener needs at least one host', '"~/*" is none')
  reader.done()
  return hosts.flatMap(host => readHost(host, reader))
}

function readHost({ value, place }: PlacedHost, { sink }: ObjectReader): readonly EgressHost[] {
  const [namespace, name, ...rest] = value.split('/')
  if (namespace === undefined || name === undefined || rest.length > 0) {
    sink.badValue(place, `"${value.slice(0, 80)}" is not a host of a namespace`, 'write NAMESPACE/HOST, as "./*"')
    return []
  }
  if (value === '~/*') return []
  if (namespace.startsWith('~')) {
    sink.unsupported(place, 'leaving hosts out')
    return []
  }
  if (namespace !== '*' && namespace !== '.' && !isDnsLabel(namespace))
    sink.badValue(place, `"${namespace.slice(0, 80)}" is not a namespace, ".", "*" or "~"`)
  checkHost(name, place, sink, true)
  return [{ namespace, host: name.toLowerCase(), position: place.position }]
}
