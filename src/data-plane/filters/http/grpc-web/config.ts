// The config of grpc_web: there is nothing to say.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import { GrpcWebSchema } from '../../../../xds/generated/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'

const NONE: ReadonlySet<string> = new Set()

export function compileGrpcWeb(typedConfig: Any): Parsed<null> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, GrpcWebSchema)
  if (message === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  else check.honour(GrpcWebSchema, message, '', NONE)
  return check.result(null)
}
