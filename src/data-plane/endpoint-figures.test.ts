// rq_success and rq_error of an endpoint: each try counts once, as an Envoy 1.40 counts it.
import assert from 'node:assert/strict'
import { connect, createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { loadsOf } from './load-report/cluster-load.ts'
import { boundPort, connectionManager, listener, openProxy, parse } from './mesh-fixture.ts'

const GRPC = { ':status': 200, 'content-type': 'application/grpc' }
const withTrailer = (stream: ServerHttp2Stream, status: number): void => {
  stream.respond(GRPC, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status) }))
  stream.end('x')
}
const ANSWERS: Readonly<Record<string, (stream: ServerHttp2Stream) => void>> = {
  '/ok': stream => withTrailer(stream, 0),
  '/unavailable': stream => withTrailer(stream, 14),
  '/not-found': stream => withTrailer(stream, 5),
  '/head-ok': stream => stream.respond({ ...GRPC, 'grpc-status': '0' }, { endStream: true }),
  '/head-unavailable': stream => stream.respond({ ...GRPC, 'grpc-status': '14' }, { endStream: true }),
  '/no-status': stream => {
    stream.respond(GRPC)
    stream.end('x')
  },
  '/reset': stream => {
    stream.respond(GRPC)
    stream.write('x', () => stream.close(2))
  },
  '/slow': () => {},
  '/503': stream => stream.respond({ ':status': 503 }, { endStream: true }),
}

const upstream = createServer()
upstream.on('stream', (stream: ServerHttp2Stream, headers) => {
  stream.on('error', () => {})
  ANSWERS[String(headers[':path'])]!(stream)
})
await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
const proxy = openProxy()
after(async () => {
  await proxy.close()
  upstream.close()
})
const address = { socket_address: { address: '127.0.0.1', port_value: (upstream.address() as AddressInfo).port } }
const cluster = parse(ClusterSchema, {
  name: 'up',
  load_assignment: { cluster_name: 'up', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
})
const routes = [
  { match: { path: '/slow' }, route: { cluster: 'up', timeout: '0.2s' } },
  { match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' } },
]
const table = { route_config: { name: 'r', virtual_hosts: [{ name: 'a', domains: ['*'], routes }] } }
assert.deepEqual(proxy.apply('cluster', [cluster], []), [])
proxy.apply('listener', [listener('in', [{ filters: [connectionManager(table)] }])], [])
const port = await boundPort(proxy, 'in')

async function figuresOf(path: string, grpc: boolean): Promise<string> {
  const endpoint = proxy.clusters.get('up')!.endpoints[0]!
  const before = { ...endpoint.stats, ...loadsOf(proxy.clusters, ['up'])[0]! }
  const client = connect(`http://127.0.0.1:${port}`)
  await new Promise<void>(resolve => {
    const fields = grpc ? { 'content-type': 'application/grpc', te: 'trailers' } : {}
    const stream = client.request({ ':method': 'POST', ':path': path, ...fields })
    stream.on('error', () => {})
    stream.on('close', resolve)
    stream.resume().end('x')
  })
  client.destroy()
  const { requestsSuccess, requestsError } = endpoint.stats
  const load = loadsOf(proxy.clusters, ['up'])[0]!
  const told = [load.succeeded - before.succeeded, load.failed - before.failed]
  const shown = [requestsSuccess - before.requestsSuccess, requestsError - before.requestsError]

  assert.deepEqual(told, shown, 'load reports tell the same')
  return shown.join(' ')
}

const EXPECTED: readonly (readonly [path: string, grpc: boolean, successAndError: string])[] = [
  ['/ok', true, '1 0'],
  ['/unavailable', true, '0 1'],
  ['/unavailable', false, '1 0'],
  ['/not-found', true, '1 0'],
  ['/head-ok', true, '1 0'],
  ['/head-unavailable', true, '0 1'],
  ['/no-status', true, '0 1'],
  ['/reset', true, '0 1'],
  ['/reset', false, '1 0'],
  ['/slow', true, '0 1'],
  ['/slow', false, '0 1'],
  ['/503', true, '0 1'],
  ['/503', false, '0 1'],
]
for (const [path, grpc, expected] of EXPECTED)
  test(`${path} asked ${grpc ? 'by gRPC' : 'plainly'}: ${expected}`, async () => {
    assert.equal(await figuresOf(path, grpc), expected)
  })
