// Istio's VirtualService (networking.istio.io): routes for requests, for TLS and for bytes.
import type { HttpRoute } from '../../../model/http-route.ts'
import { claimOfHeader } from '../../../model/jwt-claim.ts'
import type { VirtualService } from '../../../model/virtual-service.ts'
import type { KindDefinition, ObjectContext } from '../../document/kind-definition.ts'
import { readExportTo } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import type { ProblemSink } from '../../document/problem-sink.ts'
import { isIpAddress } from '../../host/ip-address.ts'
import { checkHost, checkOverlap, type PlacedHost } from '../contract/host-place.ts'
import { COMPARE_MIRRORS } from './compare-mirrors.ts'
import { FALLBACK } from './fallback.ts'
import { checkGatewayName } from './gateway-name.ts'
import { HEDGING } from './hedging.ts'
import { readHttpRoute, reportUnreachable } from './http-route.ts'
import { readTcpRoute, readTlsRoute } from './l4-route.ts'
import { withRuleAnnotations } from './rule-annotations.ts'

const MAX_HOSTS = 1000
const ANNOTATIONS = [FALLBACK, COMPARE_MIRRORS, HEDGING]

export const VIRTUAL_SERVICE: KindDefinition<'VirtualService'> = {
  kind: 'VirtualService',
  apiVersions: ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'],
  parseSpec,
}

function parseSpec(spec: ObjectReader, context: ObjectContext): VirtualService {
  const { sink } = spec
  const { namespace } = context
  const gateways = spec.stringList('gateways')
  for (const { value, place } of gateways) checkGatewayName(value, place, sink)
  const forMesh = gateways.length === 0 || gateways.some(gateway => gateway.value === 'mesh')
  const hosts = spec.stringList('hosts')
  checkHosts(spec, hosts, forMesh)
  const httpReaders = spec.objectList('http')
  if (httpReaders.length === 0 && !spec.has('tls') && !spec.has('tcp'))
    sink.error('WEFT-1006', spec.place('http'), 'a VirtualService needs http, tls or tcp routes')
  const http = withRuleAnnotations(httpReaders.map(readHttpRoute), ANNOTATIONS, context, spec)
  if (hosts.length === 0) checkDelegate(spec, httpReaders)
  reportUnreachable(http, httpReaders)
  if (forMesh) refuseClaims(http, sink)
  const tls = spec.objectList('tls').map(reader => readTlsRoute(reader, hosts, forMesh))
  const tcp = spec.objectList('tcp').map(reader => readTcpRoute(reader, forMesh))
  const exportTo = readExportTo(spec, namespace)
  spec.done()
  const bound = gateways.map(({ value, place }) => ({ value, position: place.position }))
  return {
    hosts: hosts.map(({ value, place }) => ({ value: value.toLowerCase(), position: place.position })),
    gateways: bound.length > 0 ? bound : [{ value: 'mesh', position: spec.position }],
    http,
    tls,
    tcp,
    exportTo,
  }
}

/** Sidecars are asked by their own applications, whose tokens nobody checks (Istio). */
function refuseClaims(rules: readonly HttpRoute[], sink: ProblemSink): void {
  for (const [index, { matches }] of rules.entries())
    for (const [at, match] of matches.entries())
      for (const field of ['headers', 'withoutHeaders'] as const) {
        if (!Object.keys(match[field]).some(name => claimOfHeader(name) !== null)) continue
        const place = { path: `spec.http[${index}].match[${at}].${field}`, position: match.position }
        sink.contradiction(place, 'claims are matched at gateways only: name gateways, without "mesh"')
      }
}

/** Without hosts it is one that others delegate to, for requests only, and of one level. */
function checkDelegate(spec: ObjectReader, rules: readonly ObjectReader[]): void {
  for (const field of ['gateways', 'tls', 'tcp'])
    if (spec.has(field))
      spec.sink.contradiction(
        spec.place(field),
        `a VirtualService without hosts is a delegate, which has no ${field}`,
        'add hosts, if others are not to delegate to it',
      )
  for (const rule of rules)
    if (rule.has('delegate'))
      spec.sink.contradiction(rule.place('delegate'), 'a delegate, having no hosts, cannot delegate further')
}

function checkHosts(spec: ObjectReader, hosts: readonly PlacedHost[], forMesh: boolean): void {
  const { sink } = spec
  if (hosts.length > MAX_HOSTS) {
    sink.error('WEFT-1010', spec.place('hosts'), `more than ${MAX_HOSTS} hosts`)
    return
  }
  for (const { value, place } of hosts) {
    if (isIpAddress(value)) {
      if (forMesh)
        sink.badValue(place, `"${value}": an address can be matched at gateways only`, 'name a host, or gateways')
    } else if (value === '*' && forMesh) {
      sink.badValue(place, '"*" cannot be the host of a VirtualService for sidecars', 'name hosts, or gateways')
    } else checkHost(value, place, sink, true)
  }
  checkOverlap(hosts, sink)
}
