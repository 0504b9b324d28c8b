// /config_dump, in Envoy's shape (envoy/admin/v3/config_dump_shared.proto).
import type { DescMessage } from '@bufbuild/protobuf'
import { type Node, NodeSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { RESOURCE_SCHEMA, type ResourceMessage } from '../../xds/resource-message.ts'
import type { ResourceType } from '../../xds/type-url.ts'
import type { AcceptedResource, RefusedResource, ResourceRecords } from '../resource-records.ts'
import type { SecretStore } from '../transport-socket/secret-store.ts'
import { configToJson, type JsonObject, jsonToJson, plainJson } from './config-json.ts'
import { type JsonParts, type JsonSource, jsonList, jsonObject } from './json-parts.ts'

export interface ConfigDumpSource {
  readonly node: Node
  /** Of a static start. Its resources are then dumped as static ones. */
  readonly bootstrap?: JsonObject | undefined
  readonly records: ResourceRecords
  readonly secrets: SecretStore
  /** Epoch milliseconds. */
  readonly startedAt: number
}

export function configDump(source: ConfigDumpSource, includeEndpoints: boolean): JsonParts {
  const { records, bootstrap } = source
  const dump = (name: string, fields: Readonly<Record<string, JsonSource>>): JsonParts =>
    jsonObject({ '@type': `type.googleapis.com/envoy.admin.v3.${name}`, ...fields })
  const configs = [
    dump('BootstrapConfigDump', bootstrapFields(source)),
    dump('ClustersConfigDump', {
      ...versionInfo(records, 'cluster'),
      ...(bootstrap
        ? { static_clusters: staticResources(records, 'cluster', 'cluster') }
        : { dynamic_active_clusters: dynamicResources(records, 'cluster', 'cluster') }),
    }),
    ...(includeEndpoints
      ? [
          dump('EndpointsConfigDump', {
            dynamic_endpoint_configs: dynamicResources(records, 'endpoint', 'endpoint_config'),
          }),
        ]
      : []),
    dump('ListenersConfigDump', {
      ...versionInfo(records, 'listener'),
      ...(bootstrap
        ? { static_listeners: staticResources(records, 'listener', 'listener') }
        : { dynamic_listeners: listeners(records) }),
    }),
    dump('ScopedRoutesConfigDump', {}),
    dump('RoutesConfigDump', { dynamic_route_configs: dynamicResources(records, 'route', 'route_config') }),
    dump('SecretsConfigDump', {
      [bootstrap ? 'static_secrets' : 'dynamic_active_secrets']: secrets(source.secrets, source.startedAt),
    }),
  ]
  return jsonObject({ configs: jsonList(configs, config => config) })
}

function bootstrapFields({ node, bootstrap, startedAt }: ConfigDumpSource): Record<string, JsonSource> {
  return {
    bootstrap: bootstrap ? jsonToJson(bootstrap) : { node: plainJson(NodeSchema, node) },
    last_updated: timestamp(startedAt),
  }
}

/** Delta xDS gives each resource a version; Envoy prints one for the type, and so does this: the latest taken. */
function versionInfo(records: ResourceRecords, type: ResourceType): JsonObject {
  let latest: AcceptedResource | null = null
  for (const resource of records.accepted(type))
    if (!latest || resource.updatedAt >= latest.updatedAt) latest = resource
  return latest?.version ? { version_info: latest.version } : {}
}

function staticResources(records: ResourceRecords, type: ResourceType, field: string): JsonParts {
  return jsonList(records.accepted(type), accepted => state(type, field, accepted))
}

function dynamicResources(records: ResourceRecords, type: ResourceType, field: string): JsonParts {
  return jsonList(records.entries(type), ([, { accepted, refused }]) => {
    const error = refused ? { error_state: errorState(type, refused) } : {}
    return jsonObject(accepted ? { ...stateFields(type, field, accepted), ...error } : error)
  })
}

function listeners(records: ResourceRecords): JsonParts {
  return jsonList(records.entries('listener'), ([name, { accepted, refused }]) =>
    jsonObject({
      name,
      ...(accepted ? { active_state: state('listener', 'listener', accepted) } : {}),
      ...(refused ? { error_state: errorState('listener', refused) } : {}),
    }),
  )
}

function state(type: ResourceType, field: string, accepted: AcceptedResource): JsonParts {
  return jsonObject(stateFields(type, field, accepted))
}

function stateFields(
  type: ResourceType,
  field: string,
  { message, version, updatedAt }: AcceptedResource,
): Record<string, JsonSource> {
  return {
    ...(version ? { version_info: version } : {}),
    [field]: resourceToJson(type, message),
    last_updated: timestamp(updatedAt),
  }
}

function errorState(type: ResourceType, { message, at, details }: RefusedResource): JsonParts {
  return jsonObject({
    failed_configuration: resourceToJson(type, message),
    last_update_attempt: timestamp(at),
    details,
  })
}

function resourceToJson(type: ResourceType, message: ResourceMessage): JsonParts {
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
