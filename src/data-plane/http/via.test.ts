// Via in both directions, on what is passed on and on what the proxy answers itself.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { test } from 'node:test'
import { HTTP_CONNECTION_MANAGER } from '../filters/network/http-connection-manager/factory.ts'
import { FakeCluster, startFakeProxy } from './testing/fake-proxy.ts'
import { exchange } from './testing/raw-client.ts'
import { ok, rawUpstream } from './testing/raw-upstream.ts'
import { appendVia } from './via.ts'

test('what is passed on has it at the end of what it had', async () => {
  const upstream = await rawUpstream(({ head }) => ok('x', head.path === '/' ? 'via: 1.1 up\r\n' : ''))
  const clusters = [new FakeCluster('c', upstream.port)]
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters, config: { via: '1.1 here' } })
  const ask = (path: string, fields = '') => exchange(proxy.port, `GET ${path} HTTP/1.1\r\nhost: a\r\n${fields}\r\n`)
  assert.equal((await ask('/', 'via: 1.0 a\r\nvia: 1.0 b\r\n')).headers['via'], '1.1 up, 1.1 here')
  assert.equal(upstream.requests[0]!.fields['via'], '1.0 a,1.0 b, 1.1 here')
  assert.equal((await ask('/x')).headers['via'], '1.1 here')
  assert.equal(upstream.requests[1]!.fields['via'], '1.1 here')
  const refused = await exchange(proxy.port, 'no HTTP\r\n\r\n')
  assert.deepEqual([refused.status, refused.headers['via']], [400, '1.1 here'])
  const session = connect(`http://127.0.0.1:${proxy.port}`)
  const stream = session.request({ ':path': '/', via: '2 a' })
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  assert.equal(headers['via'], '1.1 up, 1.1 here')
  assert.equal(upstream.requests[2]!.fields['via'], '2 a, 1.1 here')
  session.destroy()
  await proxy.close()
  await upstream.close()
})

test('one that is empty is none', () => {
  const headers = ['via', '']
  appendVia(headers, '1.1 here')
  assert.deepEqual(headers, ['via', '1.1 here'])
})
