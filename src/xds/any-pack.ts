// google.protobuf.Any in and out of the generated messages.
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt'

const PREFIX = 'type.googleapis.com/'

export function typeUrlOf(schema: DescMessage): string {
  return PREFIX + schema.typeName
}

export function packAny<D extends DescMessage>(schema: D, message: MessageShape<D>): Any {
  return create(AnySchema, { typeUrl: typeUrlOf(schema), value: toBinary(schema, message) })
}

/** The message inside, or null when the Any is absent, of another type, or not decodable. */
export function unpackAny<D extends DescMessage>(any: Any | undefined, schema: D): MessageShape<D> | null {
  if (any?.typeUrl !== typeUrlOf(schema)) return null
  try {
    return fromBinary(schema, any.value)
  } catch {
    return null
  }
}
