// Stands in for @bufbuild/protobuf where the data plane imports it: what it decodes is watched, and what it reads itself
// does not count.

import type { DescField, DescMessage, Message, MessageShape } from '@bufbuild/protobuf'
import * as protobuf from '@bufbuild/protobuf'
import { unwatched, watched } from './watched-message.ts'

// biome-ignore lint/performance/noBarrelFile: it is what stands in for the package.
export * from '@bufbuild/protobuf'

export function fromBinary<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  return watched(schema, protobuf.fromBinary(schema, bytes) as Message) as MessageShape<D>
}

export function toBinary<D extends DescMessage>(schema: D, message: MessageShape<D>): Uint8Array {
  return protobuf.toBinary(schema, unwatched(message))
}

export function equals<D extends DescMessage>(schema: D, a: MessageShape<D>, b: MessageShape<D>): boolean {
  return protobuf.equals(schema, unwatched(a), unwatched(b))
}

export function isFieldSet(message: Message, field: DescField): boolean {
  return protobuf.isFieldSet(unwatched(message), field)
}
