// per_connection_buffer_limit_bytes of clusters and listeners: one side stands still, the other goes on, and what waits
// in the proxy is what the limit says.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fromJson, type JsonValue, toJson } from '@bufbuild/protobuf'
import type { Network } from '../transport/net/network.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import { type Cluster, ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { MESSAGE_REGISTRY } from '../xds/message-registry.ts'
import { boundPort, connectionManager, listener, openProxy, routes, staticCluster, tcpProxy } from './mesh-fixture.ts'

const KIB = 1024
/** More than the kernel's buffers and the largest limit take together. */
const OFFERED = 64 * KIB * KIB
const PIECE = Buffer.alloc(16 * KIB, 'x')
/** What is read from a socket at once: it comes on top of what was below the limit. */
const ONE_READ = 64 * KIB + 100

const LIMITS: readonly (readonly [said: number | undefined, bytes: number])[] = [
  [16 * KIB, 16 * KIB],
  [undefined, KIB * KIB],
  [4 * KIB * KIB, 4 * KIB * KIB],
]

interface Recorded {
  readonly network: Network
  readonly dialled: Socket[]
  readonly accepted: Socket[]
}

function recordingNetwork(): Recorded {
  const dialled: Socket[] = []
  const accepted: Socket[] = []
  const network: Network = {
    ...systemNetwork,
    connect(address, port) {
      const socket = systemNetwork.connect(address, port)
      dialled.push(socket)
      return socket
    },
    listen: (address, port, onConnection) =>
      systemNetwork.listen(address, port, socket => {
        accepted.push(socket)
        onConnection(socket)
      }),
  }
  return { network, dialled, accepted }
}

/** Writes while anything is taken; ends when nothing was for a good many turns of the event loop. */
async function pour(socket: Socket): Promise<void> {
  let written = 0
  for (let idle = 0; written < OFFERED && idle < 300; idle++) {
    if (socket.writableLength === 0) {
      socket.write(PIECE)
      written += PIECE.length
      idle = 0
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.ok(written < OFFERED, 'it was held up')
}

async function serve(context: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function limited(said: number | undefined): { [key: string]: JsonValue } {
  return said === undefined ? {} : { per_connection_buffer_limit_bytes: said }
}

function clusterWith(port: number, fields: { [key: string]: JsonValue }): Cluster {
  const plain = toJson(ClusterSchema, staticCluster('c', port)) as { [key: string]: JsonValue }
  return fromJson(ClusterSchema, { ...plain, ...fields }, { registry: MESSAGE_REGISTRY })
}

async function start(context: TestContext, filter: JsonValue, cluster: Cluster, more: { [key: string]: JsonValue }) {
  const recorded = recordingNetwork()
  const proxy = openProxy({ network: recorded.network })
  context.after(() => proxy.close())
  assert.deepEqual(proxy.apply('cluster', [cluster]), [])
  assert.deepEqual(proxy.apply('listener', [listener('l', [{ filters: [filter] }], more)]), [])
  const client = connect(await boundPort(proxy, 'l'), '127.0.0.1')
  client.on('error', () => {})
  context.after(() => client.destroy())
  return { client, recorded }
}

function assertHolds(socket: Socket | undefined, bytes: number): void {
  const held = socket?.writableLength ?? 0
  assert.ok(held >= bytes && held <= bytes + ONE_READ, `${held} bytes wait, where ${bytes} may`)
}

const HTTP2_OPTIONS: JsonValue = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: {} },
  },
}
/** SETTINGS_INITIAL_WINDOW_SIZE and a WINDOW_UPDATE (RFC 9113 6.5, 6.9): no window is in the way of the test. */
const WIDE_WINDOWS = Buffer.from('000006040000000000' + '00047fffffff' + '000004080000000000' + '7fff0000', 'hex')

const manager = connectionManager({ route_config: routes('r', 'c') })
const head = `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${OFFERED * 2}\r\n\r\n`
const UPSTREAMS = [
  { name: 'TCP', filter: tcpProxy('c'), head: '', options: {}, hello: '' },
  { name: 'HTTP/1.1', filter: manager, head, options: {}, hello: '' },
  { name: 'HTTP/2', filter: manager, head, options: HTTP2_OPTIONS, hello: WIDE_WINDOWS },
]

for (const { name, filter, head, options, hello } of UPSTREAMS) {
  for (const [said, bytes] of LIMITS) {
    test(`an upstream that does not read, ${name}, limit ${said ?? 'unset'}`, async context => {
      const port = await serve(context, socket => {
        if (hello !== '') socket.write(hello)
        socket.pause()
      })
      const cluster = clusterWith(port, { ...limited(said), typed_extension_protocol_options: options })
      const { client, recorded } = await start(context, filter, cluster, {})
      client.write(head)
      await pour(client)
      assertHolds(recorded.dialled[0], bytes)
    })
  }
}

const DOWNSTREAMS = [
  { name: 'TCP', filter: tcpProxy('c'), request: 'x', answer: '' },
  {
    name: 'HTTP/1.1',
    filter: manager,
    request: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n',
    answer: `HTTP/1.1 200 OK\r\ncontent-length: ${OFFERED * 2}\r\n\r\n`,
  },
]

for (const { name, filter, request, answer } of DOWNSTREAMS) {
  for (const [said, bytes] of LIMITS) {
    test(`a client that does not read, ${name}, limit ${said ?? 'unset'}`, async context => {
      const { promise: poured, resolve, reject } = Promise.withResolvers<void>()
      const port = await serve(context, socket => {
        socket.once('data', () => {
          socket.write(answer)
          pour(socket).then(resolve, reject)
        })
      })
      const { client, recorded } = await start(context, filter, clusterWith(port, {}), limited(said))
      client.pause()
      client.write(request)
      await poured
      assertHolds(recorded.accepted[0], bytes)
    })
  }
}

test('0 switches the limit off', async context => {
  const port = await serve(context, socket => void socket.pause())
  const cluster = clusterWith(port, { per_connection_buffer_limit_bytes: 0 })
  const { client, recorded } = await start(context, tcpProxy('c'), cluster, {})
  client.write('x')
  while (recorded.dialled.length === 0) await new Promise(resolve => setImmediate(resolve))
  assert.equal(recorded.dialled[0]!.writableHighWaterMark, Number.POSITIVE_INFINITY)
})
