// Which streams pass; the same is asked of Envoy over traffic (test/differential/corpus/access-log.ts).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import { SeededRandom } from '../../base/random.ts'
import { AccessLogFilterSchema } from '../../xds/generated/envoy/config/accesslog/v3/accesslog_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import { ACCESS_LOG_TYPE } from '../access-log-type.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { RESPONSE_FLAG } from '../response-flag.ts'
import { StreamInfo } from '../stream-info.ts'
import { compileLogFilter } from './compile-log-filter.ts'

function compile(filter: JsonValue): { admits(info: StreamInfo): boolean; problems: readonly string[] } {
  const check = new ResourceCheck('')
  const compiled = compileLogFilter(fromJson(AccessLogFilterSchema, filter), 'f', new SeededRandom(1), check)
  const problems = check.problems.map(({ path, message }) => `${path}: ${message}`)
  return { admits: info => compiled.admits(info), problems }
}

function stream(change: (info: StreamInfo) => void = () => {}): StreamInfo {
  const info = new StreamInfo({ tls: false } as ConnectionInfo, 0, 0)
  info.method = 'GET'
  info.path = '/a'
  info.responseCode = 200
  change(info)
  return info
}

const value = (default_value: number): JsonValue => ({ default_value, runtime_key: 'k' })

test('numbers are compared as the operator says, one that is newer than the messages included', () => {
  const passes = (op: string | number, wanted: number): boolean => {
    const filter = compile({ status_code_filter: { comparison: { op, value: value(wanted) } } })
    assert.deepEqual(filter.problems, [])
    return filter.admits(stream())
  }
  assert.deepEqual(
    [passes('EQ', 200), passes('EQ', 201), passes('GE', 200), passes('LE', 199)],
    [true, false, true, false],
  )
  assert.deepEqual([passes(3, 200), passes(3, 404)], [false, true])
})

test('a fraction is drawn by the first eight digits of the request id, and without one by chance', () => {
  const filter = compile({ runtime_filter: { runtime_key: 'k', percent_sampled: { numerator: 50 } } })
  const withId = (id: string): boolean => filter.admits(stream(info => (info.requestHeaders = ['x-request-id', id])))
  assert.deepEqual(['00000031-x', '00000032-x', 'ffffffff-x'].map(withId), [true, false, 0xffffffff % 100 < 50])
  const admitted = Array.from({ length: 1000 }, () => filter.admits(stream())).filter(Boolean).length
  assert.ok(admitted > 400 && admitted < 600, String(admitted))
})

test('health checks, flags and kinds of lines', () => {
  assert.equal(compile({ not_health_check_filter: {} }).admits(stream(info => (info.isHealthCheck = true))), false)
  const some = compile({ response_flag_filter: { flags: ['UF', 'DO'] } })
  assert.deepEqual(some.problems, [])
  assert.equal(some.admits(stream(info => (info.responseFlags = RESPONSE_FLAG.UF | RESPONSE_FLAG.URX))), true)
  assert.equal(some.admits(stream(info => (info.responseFlags = RESPONSE_FLAG.UO))), false)
  assert.equal(compile({ response_flag_filter: {} }).admits(stream()), false)
  const begin = compile({ log_type_filter: { types: ['DownstreamStart'] } })
  assert.equal(begin.admits(stream()), false)
  assert.equal(begin.admits(stream(info => (info.logType = ACCESS_LOG_TYPE.downstreamStart))), true)
})

test('what is no filter is told with its place', () => {
  const problems = (filter: JsonValue): readonly string[] => compile(filter).problems
  assert.deepEqual(problems({}), ['f: needs a filter'])
  assert.deepEqual(problems({ traceable_filter: {} }), ['f.traceable_filter: is not supported'])
  assert.deepEqual(problems({ extension_filter: { name: 'cel' } }), ['f.extension_filter: is not supported'])
  assert.deepEqual(problems({ and_filter: { filters: [{ header_filter: {} }] } }), [
    'f.and_filter.filters: must be two at least',
    'f.and_filter.filters[0].header_filter.header: is required',
  ])
  assert.deepEqual(problems({ response_flag_filter: { flags: ['XX'] } }), [
    'f.response_flag_filter.flags[0]: "XX" is no response flag',
  ])
  assert.deepEqual(problems({ status_code_filter: {} }), ['f.status_code_filter.comparison: is required'])
  assert.deepEqual(problems({ runtime_filter: {} }), ['f.runtime_filter.runtime_key: must not be empty'])
  let deep: JsonValue = { not_health_check_filter: {} }
  for (let i = 0; i < 20; i++) deep = { or_filter: { filters: [deep, { not_health_check_filter: {} }] } }
  assert.match(problems(deep)[0] ?? '', /nests more than 16 deep/)
})
