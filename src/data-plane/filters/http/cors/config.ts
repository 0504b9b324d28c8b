// The config of the CORS filter: all of it is on routes.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import {
  CorsPolicySchema,
  CorsSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/cors/v3/cors_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import { CORS_FIELDS, compileCorsPolicy } from '../../../route/compile-cors-policy.ts'
import type { CorsPolicy } from '../../../route/cors-policy.ts'

const NONE: ReadonlySet<string> = new Set()

export function compileCors(typedConfig: Any): Parsed<null> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, CorsSchema)
  if (message === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  else check.honour(CorsSchema, message, '', NONE)
  return check.result(null)
}

export function compileRoutePolicy(typedConfig: Any): Parsed<CorsPolicy> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, CorsPolicySchema)
  if (message === null) {
    check.error('', 'cannot be decoded', 'WEFT-4102')
    return { ok: false, problems: check.problems }
  }
  check.honour(CorsPolicySchema, message, '', CORS_FIELDS)
  return check.result(compileCorsPolicy(message, message.filterEnabled, '', check))
}
