// Config as Envoy prints it: protobuf's JSON with the names of the .proto.
import {
  type DescField,
  type DescMessage,
  type JsonValue,
  type Message,
  type MessageShape,
  type Registry,
  toJson,
} from '@bufbuild/protobuf'
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect'
import { type Any, AnySchema, anyUnpack, EmptySchema } from '@bufbuild/protobuf/wkt'
import { MESSAGE_REGISTRY } from '../../xds/message-registry.ts'
import { JsonParts, type JsonSource, jsonList } from './json-parts.ts'

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

/** In place of fields that cannot be printed. */
const FAULT = 'error'

/** What grows with a mesh, and what stands around it: printed part by part. */
const GROWING: ReadonlySet<string> = new Set([
  ...['static_resources', 'clusters', 'load_assignment', 'endpoints', 'lb_endpoints'],
  ...['listeners', 'filter_chains', 'filters', 'typed_config', 'route_config', 'virtual_hosts', 'routes'],
])

/** `@type` first, then the message. */
export function configToJson<D extends DescMessage>(schema: D, message: MessageShape<D>): JsonParts {
  return typed(`type.googleapis.com/${schema.typeName}`, schema, message)
}

/** What is JSON already. */
export function jsonToJson(value: JsonValue): JsonSource {
  if (Array.isArray(value)) return jsonList(value, jsonToJson)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value)
  if (!fields.some(([name]) => GROWING.has(name))) return value
  return new JsonParts(
    '{}',
    fields.map(([name, field]) => [name, GROWING.has(name) ? jsonToJson(field) : field]),
  )
}

function typed(type: string, schema: DescMessage, message: Message): JsonParts {
  return new JsonParts('{}', typedFields(type, schema, message))
}

function* typedFields(type: string, schema: DescMessage, message: Message): Generator<readonly [string, JsonSource]> {
  yield ['@type', type]
  yield* fieldsOf(schema, message)
}

function untyped(schema: DescMessage, message: Message): JsonSource {
  return mayGrow(schema) ? new JsonParts('{}', fieldsOf(schema, message)) : plainJson(schema, message)
}

function* fieldsOf(schema: DescMessage, message: Message): Generator<readonly [string, JsonSource]> {
  const whole = reflect(schema, message)
  const rest = reflect(schema, { ...message })
  const parts = new Map<string, JsonSource>()
  for (const field of whole.fields) {
    const part = GROWING.has(field.name) && whole.isSet(field) ? partOf(field, whole) : null
    if (part === null) continue
    parts.set(field.name, part)
    rest.clear(field)
  }
  const plain = plainJson(schema, rest.message)
  for (const { name } of whole.sortedFields) {
    const value = parts.get(name) ?? plain[name]
    if (value !== undefined) yield [name, value]
  }
  if (plain[FAULT] !== undefined) yield [FAULT, plain[FAULT]]
}

/** Null: it is printed with the rest. */
function partOf(field: DescField, message: ReflectMessage): JsonSource | null {
  if (field.fieldKind === 'list' && field.listKind === 'message')
    return jsonList(message.get(field), element => untyped(field.message, (element as ReflectMessage).message))
  if (field.fieldKind !== 'message') return null
  const { message: value } = message.get(field)
  return field.message.typeName === AnySchema.typeName
    ? partOfAny(value as Any)
    : new JsonParts('{}', fieldsOf(field.message, value))
}

function partOfAny(any: Any): JsonSource | null {
  const schema = MESSAGE_REGISTRY.getMessage(any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1))
  if (schema === undefined || !mayGrow(schema)) return null
  try {
    return typed(any.typeUrl, schema, anyUnpack(any, schema)!)
  } catch {
    return null
  }
}

function mayGrow(schema: DescMessage): boolean {
  return schema.fields.some(({ name }) => GROWING.has(name))
}

/** In one piece, without its type. */
export function plainJson(schema: DescMessage, message: Message): JsonObject {
  try {
    return redacted(toJson(schema, message, { registry, useProtoFieldName: true })) as JsonObject
  } catch (error) {
    // An Any whose bytes are no message of its type, in a resource that was refused for it.
    return { [FAULT]: `cannot be printed: ${(error as Error).message}` }
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
