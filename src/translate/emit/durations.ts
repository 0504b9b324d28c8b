// Milliseconds as google.protobuf.Duration.
import { create } from '@bufbuild/protobuf'
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt'

export function duration(milliseconds: number): Duration {
  const seconds = Math.floor(milliseconds / 1000)
  const nanos = Math.round((milliseconds - seconds * 1000) * 1e6)
  return create(DurationSchema, { seconds: BigInt(seconds), nanos })
}
