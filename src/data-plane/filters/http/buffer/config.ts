// The config of the buffer filter, compiled once for a listener, or for a route that overrides it.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import {
  type Buffer as BufferMessage,
  BufferPerRouteSchema,
  BufferSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/buffer/v3/buffer_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'

export class BufferSettings {
  /** 0: nothing is kept. */
  readonly maxRequestBytes: number

  constructor(maxRequestBytes: number) {
    this.maxRequestBytes = maxRequestBytes
  }
}

const FIELDS = new Set(['max_request_bytes'])
const ROUTE_FIELDS = new Set(['disabled', 'buffer'])

export function compileBuffer(typedConfig: Any): Parsed<BufferSettings> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, BufferSchema)
  if (message === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  return check.result(message === null ? new BufferSettings(0) : settingsOf(message, '', check))
}

export function compileRouteBuffer(typedConfig: Any): Parsed<BufferSettings> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, BufferPerRouteSchema)
  if (message === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  else check.honour(BufferPerRouteSchema, message, '', ROUTE_FIELDS)
  const override = message?.override
  if (override?.case === 'buffer') return check.result(settingsOf(override.value, 'buffer.', check))
  if (override?.case === undefined && message !== null) check.error('', 'needs disabled or buffer')
  if (override?.case === 'disabled' && !override.value) check.error('disabled', 'must be true')
  return check.result(new BufferSettings(0))
}

function settingsOf(message: BufferMessage, path: string, check: ResourceCheck): BufferSettings {
  check.honour(BufferSchema, message, path.slice(0, -1), FIELDS)
  const bytes = message.maxRequestBytes ?? 0
  if (bytes === 0) check.error(`${path}max_request_bytes`, 'must be greater than 0')
  return new BufferSettings(bytes)
}
