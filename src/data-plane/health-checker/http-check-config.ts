// http_health_check, compiled.
import type { HeaderList } from '../../transport/header-list.ts'
import { removeHeader } from '../../transport/header-list.ts'
import { RequestMethod } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  type HealthCheck_HttpHealthCheck,
  HealthCheck_HttpHealthCheckSchema,
} from '../../xds/generated/envoy/config/core/v3/health_check_pb.ts'
import { CodecClientType } from '../../xds/generated/envoy/type/v3/http_pb.ts'
import type { Int64Range } from '../../xds/generated/envoy/type/v3/range_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { checkName } from '../route/header-mutator.ts'
import { compileStringMatcher, type TextTest } from '../route/string-matcher.ts'
import { addOptions } from './check-headers.ts'
import { readPayload } from './payload.ts'

export interface HttpCheckConfig {
  readonly kind: 'http'
  readonly http2: boolean
  readonly method: string
  readonly path: string
  /** Empty: the endpoint's, or the cluster's name. */
  readonly host: string
  readonly headers: HeaderList
  readonly expects: (status: number) => boolean
  /** Failures by these do not hold at once. */
  readonly bears: (status: number) => boolean
  /** What the body must hold, one behind the other. */
  readonly receive: readonly Buffer[]
  /** So much of the body is looked at; 0: all of it. */
  readonly maxBody: number
  /** What x-envoy-upstream-healthchecked-cluster must say. */
  readonly serviceName: TextTest | null
}

const FIELDS = new Set([
  'host',
  'path',
  'receive',
  'response_buffer_size',
  'request_headers_to_add',
  'request_headers_to_remove',
  'expected_statuses',
  'retriable_statuses',
  'codec_client_type',
  'service_name_matcher',
  'method',
])
const METHODS: Readonly<Record<number, string>> = {
  [RequestMethod.METHOD_UNSPECIFIED]: 'GET',
  [RequestMethod.GET]: 'GET',
  [RequestMethod.HEAD]: 'HEAD',
  [RequestMethod.POST]: 'POST',
  [RequestMethod.PUT]: 'PUT',
  [RequestMethod.DELETE]: 'DELETE',
  [RequestMethod.OPTIONS]: 'OPTIONS',
  [RequestMethod.TRACE]: 'TRACE',
  [RequestMethod.PATCH]: 'PATCH',
}
const ENVOY_MAX_BODY = 1024
/** What can stand in a request line, and in Host. */
const VISIBLE = /^[\x21-\x7e]*$/
const STATUSES = { min: 100, max: 600 }

export function readHttpCheck(
  message: HealthCheck_HttpHealthCheck,
  path: string,
  check: ResourceCheck,
): HttpCheckConfig {
  check.honour(HealthCheck_HttpHealthCheckSchema, message, path, FIELDS)
  if (message.path === '' || !VISIBLE.test(message.path))
    check.error(`${path}.path`, 'must be visible ASCII, and not empty')
  if (!VISIBLE.test(message.host)) check.error(`${path}.host`, 'must be visible ASCII')
  const method = METHODS[message.method]
  if (method === undefined) check.error(`${path}.method`, 'CONNECT, and what is no method, cannot be asked for')
  if (message.codecClientType !== CodecClientType.HTTP1 && message.codecClientType !== CodecClientType.HTTP2)
    check.unsupported(`${path}.codec_client_type`, 'only HTTP1 and HTTP2 are supported')
  const expected = readRanges(message.expectedStatuses, `${path}.expected_statuses`, check)
  return {
    kind: 'http',
    http2: message.codecClientType === CodecClientType.HTTP2,
    method: method ?? 'GET',
    path: message.path,
    host: message.host,
    headers: readHeaders(message, path, check),
    expects: expected ?? (status => status === 200),
    bears: readRanges(message.retriableStatuses, `${path}.retriable_statuses`, check) ?? (() => false),
    receive: message.receive.map((part, index) => readPayload(part, `${path}.receive[${index}]`, check)),
    maxBody: Number(message.responseBufferSize ?? ENVOY_MAX_BODY),
    serviceName: message.serviceNameMatcher
      ? compileStringMatcher(message.serviceNameMatcher, `${path}.service_name_matcher`, check).test
      : null,
  }
}

function readHeaders(message: HealthCheck_HttpHealthCheck, path: string, check: ResourceCheck): HeaderList {
  const headers: HeaderList = ['user-agent', 'Envoy/HC']
  for (const [index, name] of message.requestHeadersToRemove.entries()) {
    checkName(name, `${path}.request_headers_to_remove[${index}]`, check)
    removeHeader(headers, name.toLowerCase())
  }
  addOptions(headers, message.requestHeadersToAdd, `${path}.request_headers_to_add`, check)
  return headers
}

/** Null: none are given. */
function readRanges(
  ranges: readonly Int64Range[],
  path: string,
  check: ResourceCheck,
): ((status: number) => boolean) | null {
  if (ranges.length === 0) return null
  for (const [index, { start, end }] of ranges.entries()) {
    if (start >= end) check.error(`${path}[${index}]`, `must begin before it ends, not at ${start} and ${end}`)
    if (start < STATUSES.min) check.error(`${path}[${index}].start`, `must be at least ${STATUSES.min}`)
    if (end > STATUSES.max) check.error(`${path}[${index}].end`, `must be at most ${STATUSES.max}`)
  }
  return status => ranges.some(({ start, end }) => status >= start && status < end)
}
