// A response of the mesh's own, while the filters hold another.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { FakeClock } from '../../base/clock.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import { packAny } from '../../xds/any-pack.ts'
import { RouterSchema } from '../../xds/generated/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { HttpConnectionManagerSchema } from '../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { HttpFilter, TerminalStream } from '../filters/http/contract/http-filter.ts'
import type { FilterEvent } from '../filters/http/contract/http-filter-factory.ts'
import { compileConnectionManager } from '../filters/network/http-connection-manager/config.ts'
import { StreamInfo } from '../stream-info.ts'
import { FilterChain } from './filter-chain.ts'
import { failure } from './local-reply.ts'
import { Stream } from './stream.ts'
import type { StreamConnection } from './stream-connection.ts'
import { connectionInfo, FakeStats, fakeHost } from './testing/fake-proxy.ts'

const LATE = failure(503, 'late', 0, 'too late')

interface Scene {
  readonly stream: Stream
  /** The stream as the router has it. */
  readonly router: TerminalStream
  /** What the client got. */
  readonly sent: string[]
  readonly info: StreamInfo
}

function scene(filter: HttpFilter, events: readonly FilterEvent[]): Scene {
  const host = fakeHost({ clock: new FakeClock() }, new FakeStats(), [])
  const message = create(HttpConnectionManagerSchema, {
    statPrefix: 'test',
    routeSpecifier: { case: 'rds', value: { routeConfigName: 'routes' } },
    httpFilters: [
      { name: 'router', configType: { case: 'typedConfig', value: packAny(RouterSchema, create(RouterSchema)) } },
    ],
  })
  const compiled = compileConnectionManager(message, '', host)
  assert.ok(compiled.ok)
  let router: TerminalStream | undefined
  const terminal = {
    name: 'router',
    createTerminalFilter: (stream: TerminalStream) => {
      router = stream
      return { onDownstreamDrained: () => {} }
    },
  }
  const chain = new FilterChain([{ name: 'filter', events, createFilter: () => filter }], terminal)
  const sent: string[] = []
  const connection = fakeConnection(sent)
  const request: RequestHead = {
    method: 'GET',
    path: '/',
    authority: 'a',
    scheme: 'http',
    headers: [],
    protocol: '',
  }
  const info = new StreamInfo(connection.info, 0, 0)
  const stream = new Stream(connection, { ...compiled.value.config, chain }, info, request, true)
  stream.begin(0, true)
  return { stream, router: router!, sent, info }
}

function fakeConnection(sent: string[]): StreamConnection {
  const end = (endStream: boolean): string => (endStream ? ' end' : '')
  return {
    info: connectionInfo(1, {} as Parameters<typeof connectionInfo>[1]),
    isClosing: false,
    isBlocked: false,
    writeHead: (head: ResponseHead, endStream) => void sent.push(`${head.status}${end(endStream)}`),
    writeBody: (chunk, endStream) => void sent.push(`${chunk.toString()}${end(endStream)}`),
    writeTrailers: trailers => void sent.push(`${trailers.join(' ')} end`),
    writeContinue: () => {},
    pauseReading: () => void sent.push('paused'),
    resumeReading: () => void sent.push('resumed'),
    onStreamEnd: () => void sent.push('over'),
    renewStream: ({ path }) => {
      sent.push(`again ${path}`)
      return { redirects: null, beginAgain: body => void sent.push(`with ${body}`) }
    },
    setStreamIdleTimeout: () => {},
    touch: () => {},
  }
}

test('a response that a filter holds is dropped for a local reply, which goes past the filters', () => {
  let heads = 0
  const holder: HttpFilter = {
    encodeHeaders: () => {
      heads++
      return 'stop'
    },
    encodeData: () => 'buffer',
  }
  const { stream, router, sent, info } = scene(holder, ['encodeHeaders', 'encodeData'])
  router.encodeHeaders({ status: 200, headers: [] }, false)
  router.encodeData(Buffer.from('of the upstream'), false)
  assert.deepEqual(sent, [])
  stream.localReply(LATE)
  router.encodeData(Buffer.from('more of it'), true)
  stream.continueEncoding(holder)
  assert.deepEqual(sent, ['503', 'too late end', 'over'])
  assert.deepEqual([heads, info.responseCode, info.responseCodeDetails], [1, 503, 'late'])
})

test('a local reply that a filter holds is not mixed with what the upstream sends meanwhile', () => {
  const holder: HttpFilter = { encodeHeaders: () => 'stop' }
  const { stream, router, sent } = scene(holder, ['encodeHeaders'])
  stream.localReply(LATE)
  router.encodeHeaders({ status: 200, headers: [] }, false)
  router.encodeData(Buffer.from('of the upstream'), false)
  router.encodeTrailers(['a', 'b'])
  stream.continueEncoding(holder)
  assert.deepEqual(sent, ['503', 'too late end', 'over'])
})

test('a second local reply takes the place of one that is held', () => {
  const holder: HttpFilter = { encodeHeaders: () => 'stop' }
  const { stream, sent, info } = scene(holder, ['encodeHeaders'])
  stream.localReply(LATE)
  stream.localReply(failure(408, 'later', 0, 'timeout'))
  assert.deepEqual(sent, ['408', 'timeout end', 'over'])
  assert.equal(info.responseCodeDetails, 'later')
})

test('more of a response than a filter may keep is answered with 500, past the filters', () => {
  const holder: HttpFilter = { encodeHeaders: () => 'stop', encodeData: () => 'buffer' }
  const { router, sent } = scene(holder, ['encodeHeaders', 'encodeData'])
  router.encodeHeaders({ status: 200, headers: [] }, false)
  router.encodeData(Buffer.alloc(2 ** 20), false)
  router.encodeData(Buffer.alloc(1), false)
  assert.deepEqual(sent, ['500', 'Internal Server Error end', 'over'])
})

test('a client that is held back is not for the stream that an internal redirect begins: its end must be seen', () => {
  const { stream, router, sent } = scene({}, ['decodeHeaders'])
  router.pauseRequest()
  router.pauseRequest()
  router.redirect({ ...stream.request, path: '/next' }, Buffer.from('body'), { status: 302, headers: [] })
  assert.deepEqual(sent, ['paused', 'resumed', 'again /next', 'with body'])
})

test('a redirect is not followed any more where a reply of its own is on its way to the client', () => {
  const holder: HttpFilter = { encodeHeaders: () => 'stop' }
  const { stream, router, sent } = scene(holder, ['encodeHeaders'])
  stream.localReply(LATE)
  const response = { status: 302, headers: [] }
  assert.equal(router.redirect({ ...stream.request, path: '/next' }, Buffer.alloc(0), response), false)
  stream.continueEncoding(holder)
  assert.deepEqual(sent, ['503', 'too late end', 'over'])
})
