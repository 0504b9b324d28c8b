// Messages to bytes, once: known by identity while a generation lives, and by content from one generation to the next.
import { createHash } from 'node:crypto'
import { type DescMessage, type Message, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { XdsResource } from '../../model/proxy-resources.ts'
import { ClusterSchema } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ClusterLoadAssignmentSchema } from '../../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import { ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { RouteConfigurationSchema } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { SecretSchema } from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import { type ResourceType, TYPE_URL } from '../../xds/type-url.ts'
import { referencesOf } from './references.ts'
import type { EncodedResource, ResourceSet } from './resource-set.ts'

export const SCHEMAS: Readonly<Record<ResourceType, DescMessage>> = {
  cluster: ClusterSchema,
  endpoint: ClusterLoadAssignmentSchema,
  listener: ListenerSchema,
  route: RouteConfigurationSchema,
  secret: SecretSchema,
}

const VERSION_LENGTH = 12

export class ResourceEncoder {
  readonly #byMessage = new WeakMap<Message, EncodedResource>()
  readonly #byList = new WeakMap<readonly XdsResource[], ResourceSet>()
  #byContent = new Map<string, EncodedResource>()
  #lastByContent = new Map<string, EncodedResource>()

  /** Forgets the content that the generation before the last one had and the last one did not use. */
  beginGeneration(): void {
    this.#lastByContent = this.#byContent
    this.#byContent = new Map()
  }

  encodeSet(type: ResourceType, list: readonly XdsResource[]): ResourceSet {
    const known = this.#byList.get(list)
    if (known?.type === type) return known
    const resources = new Map<string, EncodedResource>()
    for (const resource of list) resources.set(resource.name, this.encode(type, resource))
    const set = { type, version: versionOfSet(resources.values()), resources }
    this.#byList.set(list, set)
    return set
  }

  encode(type: ResourceType, resource: XdsResource): EncodedResource {
    const known = this.#byMessage.get(resource.message)
    if (known) return known
    const value = toBinary(SCHEMAS[type], resource.message)
    const version = createHash('sha256').update(value).digest('hex').slice(0, VERSION_LENGTH)
    const content = `${type} ${version} ${resource.name}`
    const encoded = this.#byContent.get(content) ??
      this.#lastByContent.get(content) ?? {
        name: resource.name,
        version,
        any: encodeAny(TYPE_URL[type], value),
        endpoints: referencesOf(type, resource.message).find(reference => reference.type === 'endpoint')?.name ?? '',
      }
    this.#byContent.set(content, encoded)
    this.#byMessage.set(resource.message, encoded)
    return encoded
  }
}

export function versionOfSet(resources: Iterable<EncodedResource>): string {
  const hash = createHash('sha256')
  let text = ''
  for (const { name, version } of resources) text += `${version} ${name}\n`
  return hash.update(text).digest('hex').slice(0, VERSION_LENGTH)
}

function encodeAny(typeUrl: string, value: Uint8Array): Uint8Array {
  return new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(typeUrl)
    .tag(2, WireType.LengthDelimited)
    .bytes(value)
    .finish()
}
