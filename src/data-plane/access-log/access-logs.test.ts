import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { create, type JsonObject } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import { onBug } from '../../base/bug.ts'
import { FakeClock } from '../../base/clock.ts'
import { type LogFields, silentLog } from '../../base/log.ts'
import { packAny } from '../../xds/any-pack.ts'
import { SubstitutionFormatStringSchema } from '../../xds/generated/envoy/config/core/v3/substitution_format_string_pb.ts'
import { FileAccessLogSchema } from '../../xds/generated/envoy/extensions/access_loggers/file/v3/file_pb.ts'
import { StdoutAccessLogSchema } from '../../xds/generated/envoy/extensions/access_loggers/stream/v3/stream_pb.ts'
import { RESPONSE_FLAG } from '../response-flag.ts'
import { createStats } from '../stats/stats-store.ts'
import { StreamInfo } from '../stream-info.ts'
import { fakeConnection } from '../testing/fake-connection.ts'
import { UpstreamConnectionInfo } from '../upstream-connection-info.ts'
import { AccessLogs } from './access-logs.ts'
import { type LogFile, type LogFiles, systemLogFiles } from './log-file.ts'
import { FilteredLog } from './log-filter.ts'

const ISTIO_TEXT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n'

const connection = fakeConnection({ id: 7 })

function connected(localAddress: string): UpstreamConnectionInfo {
  return Object.assign(new UpstreamConnectionInfo('HTTP/1.1', 0), { localAddress })
}

function stream(): StreamInfo {
  const info = new StreamInfo(connection, Date.UTC(2026, 0, 2, 3, 4, 5, 6), 0)
  info.method = 'GET'
  info.path = '/productpage?u=1'
  info.authority = 'productpage:9080'
  info.requestHeaders = ['user-agent', 'curl/8', 'x-request-id', 'abc', 'x-many', '1', 'x-many', '2']
  info.responseHeaders = ['x-envoy-upstream-service-time', '5']
  info.responseCode = 503
  info.responseFlags = RESPONSE_FLAG.UF | RESPONSE_FLAG.URX
  info.responseCodeDetails = 'upstream_reset_before_response_started{connection_failure}'
  info.bytesSent = 91
  info.duration = 12.7
  info.upstreamHost = '127.0.0.1:9080'
  info.cluster = { name: 'outbound|9080||productpage.default.svc.cluster.local' }
  info.routeName = 'default'
  return info
}

class MemoryFiles implements LogFiles {
  readonly written = new Map<string, string[]>()
  opened = 0

  open(path: string): LogFile {
    this.opened++
    const blocks = this.written.get(path) ?? []
    this.written.set(path, blocks)
    return {
      write(bytes, done) {
        blocks.push(bytes.toString('latin1'))
        done(bytes, true)
      },
      close: async () => {},
    }
  }
}

function setUp(): { logs: AccessLogs; files: MemoryFiles; clock: FakeClock } {
  const clock = new FakeClock()
  const files = new MemoryFiles()
  return { logs: new AccessLogs({ clock, log: silentLog, files, stats: createStats().root }), files, clock }
}

function textLog(format: string, path = '/dev/stdout'): Any {
  return packAny(
    FileAccessLogSchema,
    create(FileAccessLogSchema, {
      path,
      accessLogFormat: {
        case: 'logFormat',
        value: { format: { case: 'textFormatSource', value: { specifier: { case: 'inlineString', value: format } } } },
      },
    }),
  )
}

function jsonLog(format: JsonObject): Any {
  return packAny(
    StdoutAccessLogSchema,
    create(StdoutAccessLogSchema, {
      accessLogFormat: { case: 'logFormat', value: { format: { case: 'jsonFormat', value: format } } },
    }),
  )
}

function lineOf(format: string, info = stream()): string {
  const { logs, files } = setUp()
  const compiled = logs.compile(textLog(format))
  assert.ok(compiled.ok, JSON.stringify(compiled))
  compiled.value.log(info)
  logs.close()
  return files.written.get('/dev/stdout')!.join('')
}

test("Istio's default line", () => {
  assert.equal(
    lineOf(ISTIO_TEXT),
    '[2026-01-02T03:04:05.006Z] "GET /productpage?u=1 HTTP/1.1" 503 URX,UF upstream_reset_before_response_started{connection_failure} - "-" 0 91 12 5 "-" "curl/8" "abc" "productpage:9080" "127.0.0.1:9080" outbound|9080||productpage.default.svc.cluster.local - 127.0.0.1:15001 127.0.0.1:40000 - default\n',
  )
})

test('operators: length, alternatives, the first of several values, times, percent sign', () => {
  assert.equal(
    lineOf('%REQ(:PATH):4%|%REQ(X-A?USER-AGENT)%|%REQ(x-many)%|%%|%REQ_WITHOUT_QUERY(:PATH)%'),
    '/pro|curl/8|1|%|/productpage',
  )
  assert.equal(lineOf('%START_TIME(%s.%3f %Y/%m/%d %F %T%z)%'), '1767323045.006 2026/01/02 2026-01-02 03:04:05+0000')
  const upstream = '%UPSTREAM_HOST% %UPSTREAM_REMOTE_PORT% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %RESP(:STATUS)%'
  const info = stream()
  // Chosen, and not connected to.
  assert.equal(lineOf(upstream, info), '127.0.0.1:9080 - 127.0.0.1 503')
  info.upstream = connected('127.0.0.1:50000')
  assert.equal(lineOf(upstream, info), '127.0.0.1:9080 9080 127.0.0.1 503')
})

test('the scheme is what the request says, not what a proxy before this one does of it', () => {
  const info = stream()
  assert.equal(lineOf('%REQ(:SCHEME)%', info), 'http')
  info.scheme = 'http'
  info.requestHeaders = ['x-forwarded-proto', 'https']
  assert.equal(lineOf('%REQ(:SCHEME)%', info), 'http')
  info.scheme = 'https'
  assert.equal(lineOf('%REQ(:SCHEME)%', info), 'https')
})

test('a client of whom a proxy before this one tells has no port', () => {
  const info = stream()
  const format = '%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_PORT% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% '
  const direct = '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%'
  assert.equal(lineOf(format + direct, info), '127.0.0.1:40000 40000 127.0.0.1 127.0.0.1:40000')
  info.clientIp = '::2'
  assert.equal(lineOf(format + direct, info), '[::2]:0 0 ::2 127.0.0.1:40000')
})

test('an address of IPv6 without its port is without its brackets, too', () => {
  const info = new StreamInfo({ ...connection, localAddress: '[::2]:443' }, 0, 0)
  assert.equal(lineOf('%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%', info), '[::2]:443 ::2')
  info.upstreamHost = '[::1]:80'
  info.upstream = connected('[::1]:80')
  assert.equal(lineOf('%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%', info), '::1 ::1')
})

test('a header value cannot forge a field or a line', () => {
  const info = stream()
  info.requestHeaders = ['user-agent', 'a" 200 "\r\n[2026]']
  assert.equal(lineOf('"%REQ(USER-AGENT)%"\n', info), '"a\\x22 200 \\x22\\x0D\\x0A[2026]"\n')
})

test('what filters say of a stream, the last word first', () => {
  const info = stream()
  info.addMetadata('envoy.filters.http.rbac', 'shadow_engine_result', 'denied')
  info.addMetadata('envoy.filters.http.rbac', 'shadow_engine_result', 'allowed')
  const operator = (key: string) => `%DYNAMIC_METADATA(envoy.filters.http.rbac:${key})%`
  assert.equal(lineOf(`${operator('shadow_engine_result')} ${operator('none')}\n`, info), 'allowed -\n')
})

test('JSON keeps numbers and nulls, and stays JSON whatever a header holds', () => {
  const { logs, files } = setUp()
  const compiled = logs.compile(
    jsonLog({
      code: '%RESPONSE_CODE%',
      agent: '%REQ(USER-AGENT)%',
      bytes: '%REQ(X-BYTES)%',
      missing: '%REQ(X-NONE)%',
      both: '%REQ(:METHOD)% %PROTOCOL%',
      inner: { flags: '%RESPONSE_FLAGS%', fixed: 1 },
    }),
  )
  assert.ok(compiled.ok)
  const info = stream()
  info.requestHeaders = ['user-agent', `${Buffer.from('é').toString('latin1')}"\n`, 'x-bytes', '\u00c3\u00ff']
  compiled.value.log(info)
  logs.flush()
  const line = files.written.get('/dev/stdout')!.join('')
  assert.match(line, /^[\x20-\x7e]+\n$/)
  assert.deepEqual(JSON.parse(line), {
    code: 503,
    agent: 'é"\n',
    // No UTF-8: a character for each byte.
    bytes: '\u00c3\u00ff',
    missing: null,
    both: 'GET HTTP/1.1',
    inner: { flags: 'URX,UF', fixed: 1 },
  })
})

test('JSON is in the order of its keys; what is empty is left out where it is to be, as Envoy does', () => {
  const format: JsonObject = {
    z: '%RESPONSE_CODE%',
    a: '%REQ(X-NONE)%',
    list: ['%REQ(X-NONE)%', 'x', null, '%RESPONSE_CODE%', [], {}],
    inner: { nothing: '%REQ(X-NONE)%' },
    mixed: '[%REQ(X-NONE)%]',
    text: '',
    number: 1.5,
  }
  const lineWith = (omitEmptyValues: boolean): string => {
    const { logs, files } = setUp()
    const value = create(SubstitutionFormatStringSchema, {
      format: { case: 'jsonFormat', value: format },
      omitEmptyValues,
    })
    const message = create(StdoutAccessLogSchema, { accessLogFormat: { case: 'logFormat', value } })
    const compiled = logs.compile(packAny(StdoutAccessLogSchema, message))
    assert.ok(compiled.ok, JSON.stringify(compiled))
    compiled.value.log(stream())
    logs.flush()
    return files.written.get('/dev/stdout')!.join('')
  }
  assert.equal(lineWith(true), '{"list":["x",503,[]],"mixed":"[]","number":1.5,"text":"","z":503}\n')
  assert.equal(
    lineWith(false),
    '{"a":null,"inner":{"nothing":null},"list":[null,"x",null,503,[],{}],"mixed":"[-]","number":1.5,"text":"","z":503}\n',
  )
})

test('an unknown operator, time or formatter is a problem that says what there is', () => {
  const { logs } = setUp()
  for (const format of ['%NO_SUCH%', '%REQ()%', '%START_TIME(%Q)%', '%DYNAMIC_METADATA(:a)%', '100%']) {
    const compiled = logs.compile(textLog(format))
    assert.ok(!compiled.ok, format)
    assert.equal(compiled.problems[0]!.code, 'WEFT-4004')
    assert.equal(compiled.problems[0]!.path, 'log_format.text_format_source')
  }
  const both = logs.compile(jsonLog({ a: '%X_Y%', b: { c: '%Z%' } }))
  assert.deepEqual(both.ok ? [] : both.problems.map(problem => problem.path), [
    'log_format.json_format.a',
    'log_format.json_format.b.c',
  ])
})

test('lines gather for a second or 64 KiB; loggers of one path share its file; reopen opens anew', () => {
  const { logs, files, clock } = setUp()
  const first = logs.compile(textLog('%REQ(:METHOD)%\n', '/a'))
  const second = logs.compile(textLog('%PROTOCOL%\n', '/a'))
  assert.ok(first.ok && second.ok)
  first.value.log(stream())
  second.value.log(stream())
  assert.deepEqual(files.written.get('/a'), [])
  clock.advance(1000)
  assert.deepEqual(files.written.get('/a'), ['GET\nHTTP/1.1\n'])
  assert.equal(clock.pendingTimers, 0)
  for (let i = 0; i < 65_536 / 9; i++) second.value.log(stream())
  assert.equal(files.written.get('/a')!.length, 2)
  assert.equal(files.opened, 1)
  logs.reopen()
  assert.equal(files.opened, 2)
  first.value.log(stream())
  logs.close()
  first.value.log(stream())
  assert.equal(files.written.get('/a')!.at(-1), 'GET\n')
  assert.equal(clock.pendingTimers, 0)
})

test('a line that cannot be put together is reported, and leaves nothing of itself and the others whole', () => {
  const said: string[] = []
  onBug(message => said.push(message))
  const { logs, files } = setUp()
  const compiled = logs.compile(textLog('%PROTOCOL% %REQ(A)%\n'))
  assert.ok(compiled.ok)
  const broken = stream()
  Object.defineProperty(broken, 'requestHeaders', {
    get() {
      throw new TypeError('no headers')
    },
  })
  compiled.value.log(stream())
  compiled.value.log(broken)
  const admitsNone = new FilteredLog({ admits: () => broken.requestHeaders.length > 0 }, compiled.value)
  admitsNone.log(broken)
  compiled.value.log(stream())
  logs.close()
  assert.equal(files.written.get('/dev/stdout')!.join(''), 'HTTP/1.1 -\nHTTP/1.1 -\n')
  assert.deepEqual(said, [
    'a line of the access log failed: TypeError: no headers',
    'a filter of the access log failed: TypeError: no headers',
  ])
})

test('a file that cannot be opened is a problem', () => {
  const logs = new AccessLogs({
    clock: new FakeClock(),
    log: silentLog,
    files: systemLogFiles(new FakeClock()),
    stats: createStats().root,
  })
  const compiled = logs.compile(textLog('x', '/nonexistent/dir/log'))
  assert.ok(!compiled.ok && compiled.problems[0]!.message.includes('ENOENT'))
})

test('the system files append, in order, over a rotation', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-log-'))
  const path = join(directory, 'access.log')
  const files = systemLogFiles(new FakeClock())
  const first = files.open(path)
  const done = () => {}
  first.write(Buffer.from('a\n'), done)
  first.write(Buffer.from('\u00e9\n', 'latin1'), done)
  renameSync(path, `${path}.1`)
  const second = files.open(path)
  second.write(Buffer.from('b\n'), done)
  await Promise.all([first.close(), second.close()])
  assert.deepEqual(readFileSync(`${path}.1`), Buffer.from([97, 10, 0xe9, 10]))
  rmSync(directory, { recursive: true })
})

test('what a file loses is counted by Envoy’s names, and the log says when it begins and when it ends', () => {
  const stats = createStats()
  const clock = new FakeClock()
  const said: string[] = []
  const log = { ...silentLog, error: say, warn: say }
  function say(message: string, fields: LogFields = {}): void {
    said.push(`${message} ${JSON.stringify(fields)}`)
  }
  let whole = false
  const files: LogFiles = { open: () => ({ write: (bytes, done) => done(bytes, whole), close: async () => {} }) }
  const logs = new AccessLogs({ clock, log, files, stats: stats.root })
  const compiled = logs.compile(textLog('%REQ(:METHOD)%\n', '/a'))
  assert.ok(compiled.ok)
  for (const takes of [false, false, true, true]) {
    whole = takes
    compiled.value.log(stream())
    logs.flush()
  }
  assert.deepEqual(said, [
    'access log loses lines {"path":"/a"}',
    'access log is written again {"path":"/a","lostBytes":8}',
  ])
  assert.equal(stats.value('filesystem.write_failed'), 2)
  assert.equal(stats.value('filesystem.write_completed'), 2)
})
