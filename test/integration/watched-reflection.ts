// Stands in for @bufbuild/protobuf/reflect where the data plane imports it: a check of every field is no reading of any.
import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import * as reflection from '@bufbuild/protobuf/reflect'
import { unwatched } from './watched-message.ts'

// biome-ignore lint/performance/noBarrelFile: it is what stands in for the package.
export * from '@bufbuild/protobuf/reflect'

export function reflect<D extends DescMessage>(schema: D, message: MessageShape<D>): reflection.ReflectMessage {
  return reflection.reflect(schema, unwatched(message))
}
