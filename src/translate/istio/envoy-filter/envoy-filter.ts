// Istio's EnvoyFilter (networking.istio.io), as far as it limits rates; whatever else it asks for is refused by name.
import type { EnvoyFilter, HttpFilterPatch, PatchContext, RoutePatch } from '../../../model/envoy-filter.ts'
import type { KindDefinition } from '../../document/kind-definition.ts'
import { readSelector } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readFilterValue, readRouteValue, readVirtualHostValue } from './patch-value.ts'

export const ENVOY_FILTER: KindDefinition<'EnvoyFilter'> = {
  kind: 'EnvoyFilter',
  apiVersions: ['networking.istio.io/v1alpha3'],
  parseSpec,
}

const CONNECTION_MANAGER = 'envoy.filters.network.http_connection_manager'
const ROUTER = 'envoy.filters.http.router'
const MAX_PORT = 65_535

function parseSpec(spec: ObjectReader): EnvoyFilter {
  const selector = readSelector(spec, 'workloadSelector', 'labels')
  spec.unsupported('targetRefs', 'priority')
  const patches = spec.objectList('configPatches').flatMap(patch => readPatch(patch) ?? [])
  spec.done()
  return { selector, patches }
}

/** Undefined after a problem was reported. */
function readPatch(reader: ObjectReader): HttpFilterPatch | RoutePatch | undefined {
  const applyTo = reader.enumeration(
    'applyTo',
    ['HTTP_FILTER', 'VIRTUAL_HOST', 'HTTP_ROUTE'],
    [
      'LISTENER',
      'FILTER_CHAIN',
      'NETWORK_FILTER',
      'ROUTE_CONFIGURATION',
      'CLUSTER',
      'EXTENSION_CONFIG',
      'BOOTSTRAP',
      'LISTENER_FILTER',
    ],
  )
  if (!reader.has('applyTo')) reader.missing('applyTo')
  const match = reader.object('match')
  const patch = reader.object('patch')
  if (!patch && !reader.has('patch')) reader.missing('patch')
  reader.done()
  if (applyTo === undefined || !patch) return undefined
  const context = readContext(reader, match)
  return applyTo === 'HTTP_FILTER'
    ? readHttpFilter(match, patch, context)
    : readRoute(applyTo === 'HTTP_ROUTE' ? 'route' : 'virtual-host', match, patch, context)
}

/** ANY, which is what none means, would put limits on what applications call, too. */
function readContext(patch: ObjectReader, match: ObjectReader | undefined): PatchContext {
  const context = match?.enumeration('context', ['GATEWAY', 'SIDECAR_INBOUND'], ['ANY', 'SIDECAR_OUTBOUND'])
  if (!match) patch.sink.unsupported(patch, 'a patch without a match', 'name a context: GATEWAY or SIDECAR_INBOUND')
  else if (!match.has('context')) patch.sink.unsupported(match, 'the context ANY', 'name GATEWAY or SIDECAR_INBOUND')
  match?.unsupported('proxy', 'cluster')
  return context ?? 'GATEWAY'
}

function readHttpFilter(
  match: ObjectReader | undefined,
  patch: ObjectReader,
  context: PatchContext,
): HttpFilterPatch | undefined {
  const listener = match?.object('listener')
  const port = listener?.integer('portNumber', 1, MAX_PORT) ?? 0
  listener?.unsupported('name', 'listenerFilter')
  const chain = listener?.object('filterChain')
  chain?.unsupported('name', 'sni', 'transportProtocol', 'applicationProtocols', 'destinationPort')
  const filter = chain?.object('filter')
  const name = filter?.string('name') ?? CONNECTION_MANAGER
  if (name !== CONNECTION_MANAGER) filter!.sink.unsupported(filter!.place('name'), `the filter "${name.slice(0, 80)}"`)
  const sub = filter?.object('subFilter')
  const before = sub?.string('name') ?? ''
  if (before !== '' && before !== ROUTER)
    sub!.sink.unsupported(sub!.place('name'), `a place beside "${before.slice(0, 80)}"`, `name ${ROUTER}, or none`)
  for (const reader of [sub, filter, chain, listener, match]) reader?.done()
  patch.enumeration(
    'operation',
    ['INSERT_BEFORE', 'INSERT_FIRST'],
    ['MERGE', 'ADD', 'REMOVE', 'INSERT_AFTER', 'REPLACE'],
  )
  if (!patch.has('operation')) patch.missing('operation')
  const value = readFilterValue(patch)
  patch.done()
  return value && { kind: 'http-filter', context, port, beforeRouter: before === ROUTER, filter: value }
}

function readRoute(
  kind: RoutePatch['kind'],
  match: ObjectReader | undefined,
  patch: ObjectReader,
  context: PatchContext,
): RoutePatch | undefined {
  const configuration = match?.object('routeConfiguration')
  configuration?.unsupported('gateway', 'portName')
  const port = configuration?.integer('portNumber', 1, MAX_PORT) ?? 0
  const configurationName = configuration?.string('name') ?? ''
  const host = configuration?.object('vhost')
  host?.unsupported('domainName')
  const virtualHost = host?.string('name') ?? ''
  const routeReader = host?.object('route')
  const route = routeReader?.string('name') ?? ''
  const action = routeReader?.enumeration('action', ['ANY', 'ROUTE', 'REDIRECT', 'DIRECT_RESPONSE']) ?? 'ANY'
  for (const reader of [routeReader, host, configuration, match]) reader?.done()
  patch.enumeration(
    'operation',
    ['MERGE'],
    ['ADD', 'REMOVE', 'INSERT_BEFORE', 'INSERT_AFTER', 'INSERT_FIRST', 'REPLACE'],
  )
  if (!patch.has('operation')) patch.missing('operation')
  const value = kind === 'route' ? readRouteValue(patch) : readVirtualHostValue(patch)
  patch.done()
  return value && { kind, context, port, configuration: configurationName, virtualHost, route, action, ...value }
}
