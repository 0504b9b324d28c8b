// Config as Envoy prints it: protobuf's JSON with the names of the .proto.
import { type DescMessage, type JsonValue, type MessageShape, type Registry, toJson } from '@bufbuild/protobuf'
import { EmptySchema } from '@bufbuild/protobuf/wkt'
import { MESSAGE_REGISTRY } from '../../xds/message-registry.ts'

/**
 * A type that nobody here reads (what is in a refused resource) prints as its `@type` with an empty value: one of them
 * must not hide the resource around it.
 */
const registry: Registry = {
  kind: 'registry',
  [Symbol.iterator]: () => MESSAGE_REGISTRY[Symbol.iterator](),
  get: name => MESSAGE_REGISTRY.get(name),
  getMessage: name => MESSAGE_REGISTRY.getMessage(name) ?? EmptySchema,
  getEnum: name => MESSAGE_REGISTRY.getEnum(name),
  getExtension: name => MESSAGE_REGISTRY.getExtension(name),
  getExtensionFor: (extendee, number) => MESSAGE_REGISTRY.getExtensionFor(extendee, number),
  getService: name => MESSAGE_REGISTRY.getService(name),
}

export type JsonObject = { [key: string]: JsonValue }

/** `@type` first, then the message. */
export function configToJson<D extends DescMessage>(schema: D, message: MessageShape<D>): JsonObject {
  const type = { '@type': `type.googleapis.com/${schema.typeName}` }
  try {
    const json = toJson(schema, message, { registry, useProtoFieldName: true }) as JsonObject
    return { ...type, ...(redacted(json) as JsonObject) }
  } catch (error) {
    // An Any whose bytes are no message of its type, in a resource that was refused for it.
    return { ...type, error: `cannot be printed: ${(error as Error).message}` }
  }
}

/** Fields of TlsCertificate that Envoy marks as sensitive and prints so (envoy/.../tls/v3/common.proto). */
const SENSITIVE: ReadonlySet<string> = new Set(['private_key', 'password'])

function redacted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(redacted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, field]): [string, JsonValue] => {
    const isDataSource = SENSITIVE.has(name) && typeof field === 'object'
    return [name, isDataSource ? { inline_string: '[redacted]' } : redacted(field)]
  })
  return Object.fromEntries(entries)
}
