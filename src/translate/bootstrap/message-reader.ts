// A protobuf message in its JSON form, read from a document field by field: every fault at its place, nothing skipped.
import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Registry,
  ScalarType,
} from '@bufbuild/protobuf'
import { nearestName } from '../document/nearest-name.ts'
import { wrongType } from '../document/object-reader.ts'
import type { ProblemSink } from '../document/problem-sink.ts'
import { toPlain } from '../document/read-documents.ts'
import type { MapNode, YamlNode } from '../document/yaml-node.ts'

/** What is done to messages of one type wherever they stand: the message it returns is taken. */
export type MessageVisitor = (message: JsonObject, path: string) => JsonObject

export interface ReaderOptions {
  /** The messages that an Any may hold. */
  readonly types: Registry
  readonly sink: ProblemSink
  /** By the message's full name. */
  readonly visitors?: Readonly<Record<string, MessageVisitor>>
}

/** Types of protobuf's own with a JSON form of their own; `Empty` has none. */
const OWN_FORM: Readonly<Record<string, string>> = {
  'google.protobuf.Duration': 'a duration like "0.25s"',
  'google.protobuf.Timestamp': 'a time like "2026-01-31T12:00:00Z"',
  'google.protobuf.FieldMask': 'names of fields',
  'google.protobuf.Struct': 'an object',
  'google.protobuf.ListValue': 'a list',
  'google.protobuf.Value': 'a value',
  'google.protobuf.BoolValue': 'true or false',
  'google.protobuf.StringValue': 'text',
  'google.protobuf.BytesValue': 'base64',
  'google.protobuf.DoubleValue': 'a number',
  'google.protobuf.FloatValue': 'a number',
  'google.protobuf.Int32Value': 'a whole number',
  'google.protobuf.Int64Value': 'a whole number',
  'google.protobuf.UInt32Value': 'a whole number, not below 0',
  'google.protobuf.UInt64Value': 'a whole number, not below 0',
}
const ANY = 'google.protobuf.Any'
/** Envoy's documentation has its config as `{}`. */
const FILTER_CONFIG = 'envoy.config.route.v3.FilterConfig'

export class MessageReader {
  readonly #options: ReaderOptions

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  /** The message as JSON under the field names of the .proto, without what was reported: `fromJson` takes it. */
  read(schema: DescMessage, node: MapNode, path: string): JsonObject {
    const json: JsonObject = {}
    const members = new Map<string, string>()
    for (const [key, { value, keyPosition }] of node.entries) {
      const place = { path: path === '' ? key : `${path}.${key}`, position: keyPosition }
      const field = fieldNamed(schema, key)
      if (field === undefined) {
        const near = nearestName(
          key,
          schema.fields.map(each => each.name),
        )
        this.#options.sink.error('WEFT-1003', place, 'unknown field', near && `did you mean "${near}"?`)
        continue
      }
      // JSON's null is the default value (protobuf, "ProtoJSON"), but where null is a value itself.
      if (value.kind === 'scalar' && value.value === null && field.message?.typeName !== 'google.protobuf.Value')
        continue
      const slot = field.oneof?.name ?? field.name
      const rival = members.get(slot)
      if (rival !== undefined) {
        this.#options.sink.contradiction(place, rival === field.name ? 'is given twice' : `excludes ${rival}`)
        continue
      }
      members.set(slot, field.name)
      const read = this.#field(field, value, place.path)
      if (read !== undefined) json[field.name] = read
    }
    const visit = this.#options.visitors?.[schema.typeName]
    return visit === undefined ? json : visit(json, path)
  }

  #field(field: DescField, node: YamlNode, path: string): JsonValue | undefined {
    if (field.fieldKind === 'list') {
      if (node.kind !== 'list') return this.#wrongType(node, path, 'a list')
      return node.items.flatMap((item, index) => this.#value(field, item, `${path}[${index}]`) ?? [])
    }
    if (field.fieldKind !== 'map') return this.#value(field, node, path)
    if (node.kind !== 'map') return this.#wrongType(node, path, 'an object')
    const json: JsonObject = {}
    for (const [key, { value }] of node.entries) {
      const read = this.#value(field, value, `${path}[${key}]`)
      if (read !== undefined) Object.defineProperty(json, key, { value: read, enumerable: true })
    }
    return json
  }

  /** One value of the field: itself, or an item of its list or map. */
  #value(field: DescField, node: YamlNode, path: string): JsonValue | undefined {
    const { message } = field
    if (message === undefined) return this.#leaf(field, node, path)
    if (OWN_FORM[message.typeName] !== undefined) {
      const json = toPlain(node) as JsonValue
      if (!accepts(() => fromJson(message, json))) return this.#wrongType(node, path, OWN_FORM[message.typeName]!)
      // Envoy's durations are all spans of time ahead.
      if (message.typeName === 'google.protobuf.Duration' && String(json).startsWith('-'))
        this.#options.sink.badValue({ path, position: node.position }, 'must not be negative')
      return json
    }
    if (node.kind !== 'map') return this.#wrongType(node, path, 'an object')
    if (message.typeName !== ANY) return this.read(message, node, path)
    // Nothing in it: the filter is only switched on.
    if (node.entries.size === 0 && field.parent.typeName === FILTER_CONFIG) return {}
    return this.#any(node, path)
  }

  #leaf(field: DescField, node: YamlNode, path: string): JsonValue | undefined {
    if (node.kind !== 'scalar') return this.#wrongType(node, path, expectedLeaf(field))
    const json = node.value
    const whole =
      field.fieldKind === 'list' ? [json] : field.fieldKind === 'map' ? { [anyKey(field.mapKey)]: json } : json
    if (accepts(() => fromJson(field.parent, { [field.name]: whole }))) return json
    return this.#wrongType(node, path, expectedLeaf(field))
  }

  #any(node: MapNode, path: string): JsonValue | undefined {
    const { sink, types } = this.#options
    const type = node.entries.get('@type')?.value
    if (type?.kind !== 'scalar' || typeof type.value !== 'string') {
      sink.error('WEFT-1006', { path, position: node.position }, '@type is missing')
      return undefined
    }
    const schema = types.getMessage(type.value.slice(type.value.lastIndexOf('/') + 1))
    if (schema === undefined) {
      sink.error('WEFT-4001', { path, position: type.position }, `${type.value} is not supported`)
      return undefined
    }
    const entries = new Map(node.entries)
    entries.delete('@type')
    return { '@type': `type.googleapis.com/${schema.typeName}`, ...this.read(schema, { ...node, entries }, path) }
  }

  #wrongType(node: YamlNode, path: string, expected: string): undefined {
    wrongType({ node, path, position: node.position }, expected, this.#options.sink)
  }
}

/** Both spellings are protobuf's: `route_config`, `routeConfig`. */
function fieldNamed(schema: DescMessage, key: string): DescField | undefined {
  return schema.fields.find(field => field.name === key || field.jsonName === key)
}

function accepts(decode: () => unknown): boolean {
  try {
    decode()
    return true
  } catch {
    return false
  }
}

function anyKey(keyType: ScalarType): string {
  return keyType === ScalarType.STRING ? 'key' : keyType === ScalarType.BOOL ? 'true' : '0'
}

function expectedLeaf(field: DescField): string {
  if (field.enum) return `one of ${field.enum.values.map(value => value.name).join(', ')}`
  switch (field.scalar) {
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return 'a number'
    case ScalarType.BOOL:
      return 'true or false'
    case ScalarType.STRING:
      return 'text'
    case ScalarType.BYTES:
      return 'base64'
    case ScalarType.UINT32:
    case ScalarType.UINT64:
      return 'a whole number, not below 0'
    default:
      return 'a whole number'
  }
}
