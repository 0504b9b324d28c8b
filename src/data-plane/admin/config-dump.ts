// /config_dump, in Envoy's shape (envoy/admin/v3/config_dump_shared.proto).
import type { DescMessage, JsonValue } from '@bufbuild/protobuf'
import { type Node, NodeSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { RESOURCE_SCHEMA, type ResourceMessage } from '../../xds/resource-message.ts'
import type { ResourceType } from '../../xds/type-url.ts'
import type { AcceptedResource, RefusedResource, ResourceRecords } from '../resource-records.ts'
import type { SecretStore } from '../transport-socket/secret-store.ts'
import { configToJson, type JsonObject } from './config-json.ts'

export interface ConfigDumpSource {
  readonly node: Node
  /** Of a static start. Its resources are then dumped as static ones. */
  readonly bootstrap?: JsonObject | undefined
  readonly records: ResourceRecords
  readonly secrets: SecretStore
  /** Epoch milliseconds. */
  readonly startedAt: number
}

export function configDump(source: ConfigDumpSource, includeEndpoints: boolean): JsonObject {
  const { records, bootstrap } = source
  const configs: JsonValue[] = [
    bootstrapDump(source),
    {
      ...typed('ClustersConfigDump'),
      ...versionInfo(records, 'cluster'),
      ...(bootstrap
        ? { static_clusters: staticResources(records, 'cluster', 'cluster') }
        : { dynamic_active_clusters: dynamicResources(records, 'cluster', 'cluster') }),
    },
    ...(includeEndpoints
      ? [
          {
            ...typed('EndpointsConfigDump'),
            dynamic_endpoint_configs: dynamicResources(records, 'endpoint', 'endpoint_config'),
          },
        ]
      : []),
    {
      ...typed('ListenersConfigDump'),
      ...versionInfo(records, 'listener'),
      ...(bootstrap
        ? { static_listeners: staticResources(records, 'listener', 'listener') }
        : { dynamic_listeners: listeners(records) }),
    },
    { ...typed('ScopedRoutesConfigDump') },
    { ...typed('RoutesConfigDump'), dynamic_route_configs: dynamicResources(records, 'route', 'route_config') },
    {
      ...typed('SecretsConfigDump'),
      [bootstrap ? 'static_secrets' : 'dynamic_active_secrets']: secrets(source.secrets, source.startedAt),
    },
  ]
  return { configs }
}

function typed(name: string): JsonObject {
  return { '@type': `type.googleapis.com/envoy.admin.v3.${name}` }
}

function bootstrapDump({ node, bootstrap, startedAt }: ConfigDumpSource): JsonObject {
  if (bootstrap) return { ...typed('BootstrapConfigDump'), bootstrap, last_updated: timestamp(startedAt) }
  const { '@type': _type, ...nodeJson } = configToJson(NodeSchema, node)
  return { ...typed('BootstrapConfigDump'), bootstrap: { node: nodeJson }, last_updated: timestamp(startedAt) }
}

/** Delta xDS gives each resource a version; Envoy prints one for the type, and so does this: the latest taken. */
function versionInfo(records: ResourceRecords, type: ResourceType): JsonObject {
  let latest: AcceptedResource | null = null
  for (const resource of records.accepted(type))
    if (!latest || resource.updatedAt >= latest.updatedAt) latest = resource
  return latest?.version ? { version_info: latest.version } : {}
}

function staticResources(records: ResourceRecords, type: ResourceType, field: string): JsonObject[] {
  return records.accepted(type).map(accepted => state(type, field, accepted))
}

function dynamicResources(records: ResourceRecords, type: ResourceType, field: string): JsonObject[] {
  return records.entries(type).flatMap(([, { accepted, refused }]) => {
    const error = refused ? { error_state: errorState(type, refused) } : {}
    if (!accepted) return refused ? [error] : []
    return [{ ...state(type, field, accepted), ...error }]
  })
}

function listeners(records: ResourceRecords): JsonObject[] {
  return records.entries('listener').map(([name, { accepted, refused }]) => ({
    name,
    ...(accepted ? { active_state: state('listener', 'listener', accepted) } : {}),
    ...(refused ? { error_state: errorState('listener', refused) } : {}),
  }))
}

function state(type: ResourceType, field: string, { message, version, updatedAt }: AcceptedResource): JsonObject {
  return {
    ...(version ? { version_info: version } : {}),
    [field]: resourceToJson(type, message),
    last_updated: timestamp(updatedAt),
  }
}

function errorState(type: ResourceType, { message, at, details }: RefusedResource): JsonObject {
  return { failed_configuration: resourceToJson(type, message), last_update_attempt: timestamp(at), details }
}

function resourceToJson(type: ResourceType, message: ResourceMessage): JsonObject {
  return configToJson(RESOURCE_SCHEMA[type] as DescMessage, message)
}

/** Envoy shows certificates and hides keys. */
function secrets(store: SecretStore, updatedAt: number): JsonObject[] {
  const secretType = { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret' }
  const { keyPairs, trustedCas } = store.names()
  const bytes = (text: string): JsonObject => ({ inline_bytes: Buffer.from(text).toString('base64') })
  const entry = (name: string, secret: JsonObject): JsonObject => ({
    name,
    last_updated: timestamp(updatedAt),
    secret: { ...secretType, name, ...secret },
  })
  return [
    ...keyPairs.map(name =>
      entry(name, {
        tls_certificate: {
          certificate_chain: bytes(store.keyPair(name)?.certificateChain ?? ''),
          private_key: bytes('[redacted]'),
        },
      }),
    ),
    ...trustedCas.map(name => entry(name, { validation_context: { trusted_ca: bytes(store.trustedCa(name) ?? '') } })),
  ]
}

function timestamp(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
