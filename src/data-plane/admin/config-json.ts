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
    return { ...type, ...(toJson(schema, message, { registry, useProtoFieldName: true }) as JsonObject) }
  } catch (error) {
    // An Any whose bytes are no message of its type, in a resource that was refused for it.
    return { ...type, error: `cannot be printed: ${(error as Error).message}` }
  }
}
