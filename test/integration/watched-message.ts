// Messages that remember which of their fields were read: how a test tells a field that is honoured from one that is only
// taken. What protobuf itself reads, to encode or to compare, is no reading: `watched-protobuf.ts` unwraps for it.
import { type DescField, type DescMessage, isFieldSet, type Message } from '@bufbuild/protobuf'

const proxies = new WeakMap<object, object>()
const originals = new WeakMap<object, object>()
const read = new Set<string>()

/** `envoy.config.core.v3.Node.id`, of fields that were set and of members of a oneof whose value was looked at. */
export function takeFieldsRead(): ReadonlySet<string> {
  const taken = new Set(read)
  read.clear()
  return taken
}

/** What stands behind a watched message, or whatever was given. */
export function unwatched<T>(value: T): T {
  return ((typeof value === 'object' && value !== null && originals.get(value)) || value) as T
}

export function watched<T extends Message>(schema: DescMessage, message: T): T {
  const known = proxies.get(message)
  if (known) return known as T
  const members = new Map(schema.members.map(member => [member.localName, member]))
  const proxy = new Proxy(message, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      const member = typeof key === 'string' ? members.get(key) : undefined
      if (member === undefined) return value
      if (member.kind === 'oneof') return watchedChoice(member.fields, value as Choice)
      if (isFieldSet(message, member)) note(member)
      return watchedValue(member, value)
    },
  })
  proxies.set(message, proxy)
  originals.set(proxy, message)
  return proxy
}

interface Choice {
  readonly case: string | undefined
  readonly value: unknown
}

function watchedChoice(fields: readonly DescField[], choice: Choice): Choice {
  const field = fields.find(each => each.localName === choice.case)
  if (field === undefined) return choice
  // A message without fields has been read when it is known to be there.
  if (field.message?.fields.length === 0) note(field)
  return {
    case: choice.case,
    get value() {
      note(field)
      return watchedValue(field, choice.value)
    },
  }
}

function watchedValue(field: DescField, value: unknown): unknown {
  const { message } = field
  // Protobuf's own types are values: nobody looks at half a duration.
  if (!message || typeof value !== 'object' || value === null || message.typeName.startsWith('google.protobuf.'))
    return value
  if (field.fieldKind === 'list') return (value as Message[]).map(item => watched(message, item))
  if (field.fieldKind === 'map')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, watched(message, item as Message)]))
  return watched(message, value as Message)
}

function note(field: DescField): void {
  read.add(`${field.parent.typeName}.${field.name}`)
}
