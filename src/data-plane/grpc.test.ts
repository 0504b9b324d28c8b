// gRPC through two proxies with HTTP/2 over mutual TLS between them, with @grpc/grpc-js on both ends.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import {
  type ChannelOptions,
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import {
  boundPort,
  connectionManager,
  downstreamTls,
  listener,
  openProxy,
  parse,
  routes,
  TestIdentity,
  upstreamTls,
} from './mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from './proxy.ts'

const identity = (bytes: Buffer): Buffer => bytes
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
})
const SERVICE = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  spread: method('Spread', false, true),
  bidi: method('Bidi', true, true),
}

const begun: string[] = []
const cancelled: string[] = []
const unary: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
  const text = call.request.toString()
  begun.push(text)
  call.on('cancelled', () => void cancelled.push(text))
  if (text === 'hang') return
  const trailer = new Metadata()
  trailer.set('x-trailer', 'seen')
  if (text === 'fail') callback({ code: status.FAILED_PRECONDITION, details: 'not now', metadata: trailer })
  else callback(null, Buffer.from(`echo ${text}`), trailer)
}
const collect: handleClientStreamingCall<Buffer, Buffer> = (call, callback) => {
  let text = ''
  call.on('data', (bytes: Buffer) => {
    text += bytes.toString()
  })
  call.on('end', () => callback(null, Buffer.from(text)))
}
const spread: handleServerStreamingCall<Buffer, Buffer> = call => {
  for (const char of call.request.toString()) call.write(Buffer.from(char))
  call.end()
}
const bidi: handleBidiStreamingCall<Buffer, Buffer> = call => {
  call.on('data', (bytes: Buffer) => void call.write(Buffer.from(`re: ${bytes}`)))
  call.on('end', () => void call.end())
}

const authority = await TestAuthority.create()
const REVIEWS = 'spiffe://cluster.local/ns/default/sa/reviews'
const server = new Server()
server.addService(SERVICE, { unary, collect, spread, bidi })
const serverPort = await new Promise<number>((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  ),
)
const proxies: DataPlaneProxy[] = []
const clients: Client[] = []
after(async () => {
  for (const client of clients) client.close()
  for (const proxy of proxies) await proxy.close()
  server.forceShutdown()
})

function http2Cluster(name: string, port: number, transportSocket?: JsonValue) {
  const address = { socket_address: { address: '127.0.0.1', port_value: port } }
  return parse(ClusterSchema, {
    name,
    connect_timeout: '60s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    ...(transportSocket === undefined ? {} : { transport_socket: transportSocket }),
  })
}

async function openSidecar(
  name: string,
  cluster: ReturnType<typeof http2Cluster>,
  chain: { readonly [key: string]: JsonValue } = {},
  route: { readonly [key: string]: JsonValue } = {},
): Promise<{ readonly proxy: DataPlaneProxy; readonly port: number }> {
  const proxy = openProxy()
  proxies.push(proxy)
  proxy.useIdentity(new TestIdentity(await authority.issueSpiffe(REVIEWS), authority.bundle))
  assert.deepEqual(proxy.apply('cluster', [cluster]), [])
  const table = routes(name, cluster.name)
  const manager = connectionManager({
    route_config: {
      ...table,
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: cluster.name, timeout: '0s', ...route } }],
        },
      ],
    },
  })
  assert.deepEqual(proxy.apply('listener', [listener(name, [{ filters: [manager], ...chain }])]), [])
  return { proxy, port: await boundPort(proxy, name) }
}

const inbound = await openSidecar('inbound', http2Cluster('app', serverPort), { transport_socket: downstreamTls() })
const outbound = await openSidecar(
  'outbound',
  http2Cluster('reviews', inbound.port, upstreamTls([REVIEWS])),
  {},
  { max_stream_duration: { grpc_timeout_header_max: '10s' } },
)

function connectTo(port: number): Client {
  const options: ChannelOptions = { 'grpc.enable_retries': 0 }
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options)
  clients.push(client)
  return client
}

interface Outcome {
  readonly error: ServiceError | null
  readonly value: string
  readonly trailers: Metadata
}

function call(client: Client, text: string, deadlineMs = 60_000): Promise<Outcome> {
  return new Promise(resolve => {
    let outcome: { error: ServiceError | null; value: string } | null = null
    let trailers: Metadata | null = null
    const finish = (): void => {
      if (outcome && trailers) resolve({ ...outcome, trailers })
    }
    const { path } = SERVICE.unary
    client
      .makeUnaryRequest(
        path,
        identity,
        identity,
        Buffer.from(text),
        { deadline: Date.now() + deadlineMs },
        (error, value) => {
          outcome = { error, value: value?.toString() ?? '' }
          finish()
        },
      )
      .on('status', ({ metadata }) => {
        trailers = metadata
        finish()
      })
  })
}

describe('gRPC through two proxies', () => {
  const client = connectTo(outbound.port)

  test('unary, with trailers', async () => {
    const { error, value, trailers } = await call(client, 'hello')
    assert.equal(error, null)
    assert.equal(value, 'echo hello')
    assert.deepEqual(trailers.get('x-trailer'), ['seen'])
  })

  test('an error of the service arrives as it was sent', async () => {
    const { error, trailers } = await call(client, 'fail')
    assert.equal(error?.code, status.FAILED_PRECONDITION)
    assert.equal(error?.details, 'not now')
    assert.deepEqual(trailers.get('x-trailer'), ['seen'])
  })

  test('client streaming', async () => {
    const value = await new Promise<string>((resolve, reject) => {
      const stream = client.makeClientStreamRequest(SERVICE.collect.path, identity, identity, (error, found) =>
        error ? reject(error) : resolve(String(found)),
      )
      for (const text of ['a', 'b', 'c']) stream.write(Buffer.from(text))
      stream.end()
    })
    assert.equal(value, 'abc')
  })

  test('server streaming', async () => {
    const stream = client.makeServerStreamRequest(SERVICE.spread.path, identity, identity, Buffer.from('xyz'))
    const found: string[] = []
    for await (const bytes of stream) found.push(String(bytes))
    assert.deepEqual(found, ['x', 'y', 'z'])
  })

  test('both ways, each message answered before the next is sent', async () => {
    const stream = client.makeBidiStreamRequest(SERVICE.bidi.path, identity, identity)
    const found: string[] = []
    stream.write(Buffer.from('1'))
    for await (const bytes of stream) {
      found.push(String(bytes))
      if (found.length < 3) stream.write(Buffer.from(String(found.length + 1)))
      else stream.end()
    }
    assert.deepEqual(found, ['re: 1', 're: 2', 're: 3'])
  })

  test('a deadline ends the call on the server, too', async () => {
    // One that is over before the server hears of it shows nothing.
    for (let deadlineMs = 100; !begun.includes('hang'); deadlineMs *= 2) {
      const { error } = await call(client, 'hang', deadlineMs)
      assert.equal(error?.code, status.DEADLINE_EXCEEDED)
    }
    while (!cancelled.includes('hang')) await new Promise(resolve => setImmediate(resolve))
  })

  test('what the mesh refuses has a gRPC status', async () => {
    const nowhere = await openSidecar('nowhere', http2Cluster('gone', 1))
    const { error } = await call(connectTo(nowhere.port), 'hello')
    assert.equal(error?.code, status.UNAVAILABLE)
    assert.match(error?.details ?? '', /upstream connect error/)
  })
})
