// HTTP/1.0 where it is allowed, and how field names are spelt.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import type { HeaderCase } from '../../../../transport/http1/header-case.ts'
import { packAny } from '../../../../xds/any-pack.ts'
import { PreserveCaseFormatterConfigSchema } from '../../../../xds/generated/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.ts'
import { FakeCluster, type FakeProxyOptions, PLAIN_HTTP1, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

/** Sends bytes through a proxy to an upstream that answers `response`: what the upstream got, and what came back. */
async function passThrough(
  request: string,
  response: string,
  config: FakeProxyOptions['config'],
  headerCase: HeaderCase = 'lower',
): Promise<{ readonly upstream: string; readonly downstream: string }> {
  let upstream = ''
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      upstream += chunk.toString('latin1')
      if (upstream.endsWith('\r\n\r\n')) socket.write(response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cluster = new FakeCluster('c', (server.address() as AddressInfo).port)
  const keepsSpelling = headerCase === 'preserve'
  cluster.http1 = { ...PLAIN_HTTP1, headerCase, limits: { ...PLAIN_HTTP1.limits, keepsSpelling, trailers: true } }
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], ...(config && { config }) })
  const client = connect(proxy.port, '127.0.0.1')
  client.write(request)
  let downstream = ''
  for await (const chunk of client) {
    downstream += (chunk as Buffer).toString('latin1')
    if (downstream.endsWith('ok')) client.end()
  }
  await proxy.close()
  for (const socket of sockets) socket.destroy()
  server.close()
  return { upstream, downstream }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'
const http10 = { httpProtocolOptions: { acceptHttp10: true, defaultHostForHttp10: 'old.example' } }

test('HTTP/1.0 is answered in its own version, and the connection ends', async () => {
  const { upstream, downstream } = await passThrough('GET /a HTTP/1.0\r\n\r\n', OK, http10)
  assert.match(upstream, /^GET \/a HTTP\/1\.1\r\nhost: old\.example\r\n/)
  assert.match(downstream, /^HTTP\/1\.0 200 OK\r\nconnection: close\r\n/)
})

test('HTTP/1.0 that asks to be kept alive is, where the body has a length', async () => {
  const request = 'GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n'
  assert.match((await passThrough(request, OK, http10)).downstream, /^HTTP\/1\.0 200 OK\r\nconnection: keep-alive\r\n/)
})

test('HTTP/1.0 knows no chunks: a body without a length ends with the connection', async () => {
  const request = 'GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n'
  const { downstream } = await passThrough(request, CHUNKED, http10)
  assert.match(downstream, /^HTTP\/1\.0 200 OK\r\nconnection: close\r\n/)
  assert.ok(!downstream.includes('transfer-encoding'))
  assert.ok(downstream.endsWith('\r\n\r\nok'))
})

test('HTTP/1.0 is refused unless allowed', async () => {
  const { downstream } = await passThrough('GET /a HTTP/1.0\r\n\r\n', OK, {})
  assert.match(downstream, /^HTTP\/1\.1 426 Upgrade Required\r\n/)
})

const request = 'GET /a HTTP/1.1\r\nHost: a\r\nX-CASE-Me: 1\r\n\r\n'
const spelt = 'HTTP/1.1 200 OK\r\nConTent-Length: 2\r\nX-ODD: 1\r\n\r\nok'

test('names are written in lower case', async () => {
  const { upstream, downstream } = await passThrough(request, spelt, {})
  assert.ok(upstream.includes('\r\nx-case-me: 1\r\n'))
  assert.ok(downstream.includes('\r\nx-odd: 1\r\n'))
})

test('in proper case where asked for', async () => {
  const config = {
    httpProtocolOptions: { headerKeyFormat: { headerFormat: { case: 'properCaseWords' as const, value: {} } } },
  }
  const { upstream, downstream } = await passThrough(request, spelt, config, 'proper')
  assert.ok(upstream.includes('\r\nHost: a\r\nX-Case-Me: 1\r\n'))
  assert.ok(downstream.includes('\r\nContent-Length: 2\r\nX-Odd: 1\r\n'))
})

test('but not the names of trailers, as in Envoy', async () => {
  const properCase = { headerFormat: { case: 'properCaseWords' as const, value: {} } }
  const config = { httpProtocolOptions: { headerKeyFormat: properCase, enableTrailers: true } }
  const answer = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-odd-Trailer: 1\r\n\r\n'
  const closing = request.replace('Host: a', 'Host: a\r\nConnection: close')
  const { downstream } = await passThrough(closing, answer, config, 'proper')
  assert.ok(downstream.endsWith('\r\n2\r\nok\r\n0\r\nx-odd-trailer: 1\r\n\r\n'), downstream)
  assert.ok(downstream.includes('\r\nTransfer-Encoding: chunked\r\n'))
})

test('and as they were spelt, with the preserve_case formatter', async () => {
  const value = {
    name: 'preserve_case',
    typedConfig: packAny(PreserveCaseFormatterConfigSchema, create(PreserveCaseFormatterConfigSchema)),
  }
  const config = {
    httpProtocolOptions: { headerKeyFormat: { headerFormat: { case: 'statefulFormatter' as const, value } } },
  }
  const { upstream, downstream } = await passThrough(request, spelt, config, 'preserve')
  assert.ok(upstream.includes('\r\nHost: a\r\nX-CASE-Me: 1\r\n'))
  assert.ok(downstream.includes('\r\nConTent-Length: 2\r\nX-ODD: 1\r\n'))
})

test('HTTP/1.0 is told of no chunks in answer to HEAD, either', async () => {
  const { downstream } = await passThrough('HEAD /a HTTP/1.0\r\n\r\n', CHUNKED.slice(0, -12), http10)
  assert.match(downstream, /^HTTP\/1\.0 200 OK\r\n/)
  assert.ok(!downstream.includes('transfer-encoding'))
})

test('HTTP/1.0 gets no interim response, which it would take for the response', async () => {
  const early = `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}`
  const expecting = 'GET /a HTTP/1.0\r\nexpect: 100-continue\r\n\r\n'
  for (const config of [http10, { ...http10, proxy100Continue: true }]) {
    assert.match((await passThrough(expecting, early, config)).downstream, /^HTTP\/1\.0 200 OK\r\n/)
  }
})

test('HTTP/1.0 is kept alive behind no response without a length, as in Envoy, though none is needed', async () => {
  for (const [method, response] of [
    ['HEAD', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ]) {
    const request = `${method} /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n`
    assert.match((await passThrough(request, response!, http10)).downstream, /\r\nconnection: close\r\n/)
  }
})
