// `patch.value`: Envoy's own messages, of which those that limit rates are known.
import type { DescMessage, JsonObject } from '@bufbuild/protobuf'
import type { EnvoyMessage, RoutePatch } from '../../../model/envoy-filter.ts'
import { RouteSchema, VirtualHostSchema } from '../../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { HttpFilterSchema } from '../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { RATE_LIMIT_MESSAGES } from '../../../xds/rate-limit-messages.ts'
import { MessageReader } from '../../bootstrap/message-reader.ts'
import { type ObjectReader, objectOf } from '../../document/object-reader.ts'
import type { MapEntry, MapNode, YamlNode } from '../../document/yaml-node.ts'

type RouteValue = Pick<RoutePatch, 'rateLimits' | 'perFilter'>

export function readFilterValue(patch: ObjectReader): EnvoyMessage | undefined {
  const value = readValue(patch, HttpFilterSchema, ['name', 'typed_config'])
  if (value && typeof value['name'] !== 'string') patch.object('value')!.missing('name')
  if (value && value['typed_config'] === undefined && !patch.sink.hasErrors)
    patch.object('value')!.missing('typed_config')
  return value as EnvoyMessage | undefined
}

export function readVirtualHostValue(patch: ObjectReader): RouteValue | undefined {
  const value = readValue(patch, VirtualHostSchema, ['rate_limits', 'typed_per_filter_config'])
  return value && routeValue(value['rate_limits'], value['typed_per_filter_config'])
}

export function readRouteValue(patch: ObjectReader): RouteValue | undefined {
  const action = patch.object('value')?.object('route')
  const rest = action && ownFields(action, ['rate_limits'])
  const value = readValue(patch, RouteSchema, ['route', 'typed_per_filter_config'])
  if (!value || rest === false) return undefined
  const route = value['route'] as JsonObject | undefined
  return routeValue(route?.['rate_limits'], value['typed_per_filter_config'])
}

function routeValue(rateLimits: unknown, perFilter: unknown): RouteValue {
  return { rateLimits: (rateLimits ?? []) as EnvoyMessage[], perFilter: (perFilter ?? {}) as EnvoyMessage }
}

/** As the .proto spells its fields; undefined after a problem. */
function readValue(patch: ObjectReader, schema: DescMessage, supported: readonly string[]): JsonObject | undefined {
  const value = patch.value('value')
  if (!value) {
    patch.missing('value')
    return undefined
  }
  const reader = objectOf(value, patch.sink)
  if (!reader || value.node.kind !== 'map' || !ownFields(reader, supported)) return undefined
  const node = withoutTypedStructs(value.node) as MapNode
  return new MessageReader({ types: RATE_LIMIT_MESSAGES, sink: patch.sink }).read(schema, node, value.path)
}

/** False after one was refused by name. */
function ownFields(reader: ObjectReader, supported: readonly string[]): boolean {
  const others = reader.names.filter(name => !supported.includes(snakeCase(name)))
  reader.unsupported(...others)
  return others.length === 0
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

/** udpa's and xds's TypedStruct hold a message whose type the writer did not want to have checked; here it is known. */
function withoutTypedStructs(node: YamlNode): YamlNode {
  if (node.kind === 'list') return { ...node, items: node.items.map(withoutTypedStructs) }
  if (node.kind !== 'map') return node
  const type = textOf(node, '@type')
  const url = textOf(node, 'type_url') ?? textOf(node, 'typeUrl')
  if (type?.endsWith('.TypedStruct') && url !== undefined) {
    const inner = node.entries.get('value')?.value
    const place = node.entries.get('@type')!
    const typed: [string, MapEntry] = [
      '@type',
      { value: { kind: 'scalar', value: url, position: place.value.position }, keyPosition: place.keyPosition },
    ]
    const fields = inner?.kind === 'map' ? [...inner.entries] : []
    return withoutTypedStructs({ ...node, entries: new Map([typed, ...fields]) })
  }
  const entries = [...node.entries].map(([key, entry]): [string, MapEntry] => [
    key,
    { ...entry, value: withoutTypedStructs(entry.value) },
  ])
  return { ...node, entries: new Map(entries) }
}

function textOf(node: MapNode, key: string): string | undefined {
  const value = node.entries.get(key)?.value
  return value?.kind === 'scalar' && typeof value.value === 'string' ? value.value : undefined
}
