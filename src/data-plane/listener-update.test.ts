// What clients see of a listener's update: no request is lost by it, on whatever connection it comes.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, createServer as createRelay, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { connect as connectSecure } from 'node:tls'
import type { JsonValue } from '@bufbuild/protobuf'
import { FakeClock } from '../base/clock.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import {
  boundPort,
  connectionManager,
  downstreamTls,
  listener,
  listenerFilter,
  openProxy,
  routes,
  staticCluster,
  TestIdentity,
} from './mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from './proxy.ts'

const DRAIN_TIME_MS = 45_000
const SPIFFE_ID = 'spiffe://cluster.local/ns/default/sa/a'
const POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx'
const authority = await TestAuthority.create()
const keyPair = await authority.issueSpiffe(SPIFFE_ID)
const application = createServer((incoming, response) => incoming.resume().on('end', () => response.end('ok')))
application.listen(0, '127.0.0.1')
await once(application, 'listening')
const cleanups: (() => unknown)[] = []
after(async () => {
  for (const clean of cleanups.reverse()) await clean()
  application.close()
  application.closeAllConnections()
})

interface Stage {
  readonly proxy: DataPlaneProxy
  readonly port: number
  readonly clock: FakeClock
  /** Each time a config that no chain of before has. */
  update(): void
}

async function setUp(chain: { readonly [key: string]: JsonValue } = {}, gradualDrainMs = 0): Promise<Stage> {
  const clock = new FakeClock(Date.now())
  const proxy = openProxy({ clock, gradualDrainMs })
  cleanups.push(() => proxy.close())
  proxy.useIdentity(new TestIdentity(keyPair, authority.bundle))
  proxy.apply('cluster', [staticCluster('app', (application.address() as AddressInfo).port)])
  let version = 0
  const update = (): void => {
    const manager = connectionManager({ route_config: routes('r', 'app'), server_name: `v${++version}` })
    assert.deepEqual(proxy.apply('listener', [listener('l', [{ filters: [manager], ...chain }])]), [])
  }
  update()
  return { proxy, port: await boundPort(proxy, 'l'), clock, update }
}

async function accepted({ proxy }: Stage, count: number): Promise<void> {
  while (proxy.listeners.activeConnections !== count) await new Promise(resolve => setImmediate(resolve))
}

async function completed({ proxy }: Stage, count: number): Promise<void> {
  while (proxy.stats.value('http.test.downstream_rq_completed') !== count)
    await new Promise(resolve => setImmediate(resolve))
}

async function connected(stage: Stage): Promise<Socket> {
  const socket = connect(stage.port, '127.0.0.1')
  cleanups.push(() => socket.destroy())
  await accepted(stage, 1)
  return socket
}

/** The answer, or as much as came of it. */
async function post(socket: Socket): Promise<string> {
  let text = ''
  const onData = (bytes: Buffer): void => {
    text += bytes.toString('latin1')
  }
  socket.on('data', onData)
  socket.write(POST)
  while (!text.endsWith('ok') && !socket.destroyed) await new Promise(resolve => setImmediate(resolve))
  socket.off('data', onData)
  return text
}

/** A way to `port` on which answers can be made to wait. */
async function slowPath(port: number): Promise<{ port: number; arrives: { stop(): void; go(): void } }> {
  const ways: (readonly [far: Socket, near: Socket])[] = []
  const relay = createRelay(near => {
    const far = connect(port, '127.0.0.1')
    ways.push([far, near])
    cleanups.push(() => far.destroy())
    near.on('error', () => {}).pipe(far)
    far.on('error', () => {}).pipe(near)
    far.on('close', () => near.destroy())
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  cleanups.push(() => void relay.close())
  const arrives = {
    stop: () => {
      for (const [far, near] of ways) far.unpipe(near)
    },
    go: () => {
      for (const [far, near] of ways) far.pipe(near)
    },
  }
  return { port: (relay.address() as AddressInfo).port, arrives }
}

function http2Client(port: number): ClientHttp2Session {
  const client = connectHttp2(`http://127.0.0.1:${port}`)
  client.on('error', () => {})
  cleanups.push(() => client.destroy())
  return client
}

function postHttp2(client: ClientHttp2Session): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':method': 'POST', ':path': '/' })
    let status = ''
    stream.on('response', headers => (status = String(headers[':status'])))
    stream.on('error', reject)
    stream.on('close', () => resolve(status))
    stream.resume().end('x')
  })
}

test('a client that has connected and not asked yet is answered after an update, and told of the end', async () => {
  const stage = await setUp()
  const socket = await connected(stage)
  stage.update()
  stage.clock.advance(30_000)
  const answer = await post(socket)
  assert.match(answer, /^HTTP\/1.1 200 /)
  assert.match(answer, /\r\nconnection: close\r\n/)
  assert.match(answer, /\r\nserver: v1\r\n/)
  stage.clock.advance(600)
  await accepted(stage, 0)
  assert.equal(stage.proxy.stats.value('http.test.downstream_cx_drain_close'), 1)
})

test('so is a connection that has been idle for a while', async () => {
  const stage = await setUp()
  const socket = await connected(stage)
  assert.doesNotMatch(await post(socket), /connection: close/)
  stage.update()
  stage.update()
  stage.clock.advance(30_000)
  const answer = await post(socket)
  assert.match(answer, /^HTTP\/1.1 200 .*\r\nconnection: close\r\n/s)
})

test('a handshake that an update overtakes ends in an answer', async () => {
  const stage = await setUp({ transport_socket: downstreamTls() })
  const plain = await connected(stage)
  stage.update()
  const { privateKey: key, certificateChain: cert } = keyPair
  const socket = connectSecure({ socket: plain, rejectUnauthorized: false, key, cert, servername: 'a' })
  await once(socket, 'secureConnect')
  stage.clock.advance(1000)
  assert.match(await post(socket), /^HTTP\/1.1 200 .*\r\nconnection: close\r\n/s)
})

test('a gradual drain tells nobody at first, everybody at its end, and some in between', async () => {
  const stage = await setUp({}, DRAIN_TIME_MS)
  const sockets = await Promise.all(
    Array.from({ length: 96 }, async () => {
      const socket = connect(stage.port, '127.0.0.1')
      cleanups.push(() => socket.destroy())
      await once(socket, 'connect')
      return socket
    }),
  )
  await accepted(stage, sockets.length)
  const told = async (some: readonly Socket[]): Promise<number> => {
    const answers = await Promise.all(some.map(post))
    return answers.filter(answer => /\r\nconnection: close\r\n/.test(answer)).length
  }
  stage.update()
  assert.equal(await told(sockets.slice(0, 32)), 0)
  stage.clock.advance(DRAIN_TIME_MS / 2)
  const half = await told(sockets.slice(32, 64))
  assert.ok(half > 0 && half < 32, `${half} of 32`)
  // A drain that comes to its end spares nobody.
  await stage.proxy.listeners.drain()
  assert.equal(await told(sockets.slice(64)), 32)
})

test('an update of one filter chain leaves the connections of the others alone', async () => {
  const stage = await setUp()
  const tls = { transport_socket: downstreamTls(), filter_chain_match: { transport_protocol: 'tls' } }
  const chains = (plainVersion: string): void => {
    const [plain, secure] = [plainVersion, 'secure'].map(server_name =>
      connectionManager({ route_config: routes('r', 'app'), server_name }),
    )
    const inspectors = { listener_filters: [listenerFilter('tls_inspector')] }
    const message = listener('l', [{ filters: [plain!] }, { filters: [secure!], ...tls }], inspectors)
    assert.deepEqual(stage.proxy.apply('listener', [message]), [])
  }
  chains('first')
  const plain = connect(stage.port, '127.0.0.1')
  const { privateKey: key, certificateChain: cert } = keyPair
  const secure = connectSecure({ port: stage.port, host: '127.0.0.1', rejectUnauthorized: false, key, cert })
  cleanups.push(() => [plain, secure].forEach(socket => void socket.destroy()))
  await once(secure, 'secureConnect')
  for (const socket of [plain, secure]) assert.doesNotMatch(await post(socket), /connection: close/)
  chains('second')
  assert.match(await post(secure), /^HTTP\/1.1 200 (?!.*connection: close).*\r\nserver: secure\r\n/s)
  assert.match(await post(plain), /^HTTP\/1.1 200 .*\r\nconnection: close\r\n/s)
  assert.equal(stage.proxy.stats.value('listener_manager.total_listeners_draining'), 2)
})

test('HTTP/2: the response after an update comes with a GOAWAY that leaves out no stream', async () => {
  const stage = await setUp()
  for (const used of [false, true]) {
    const client = http2Client(stage.port)
    await once(client, 'remoteSettings')
    if (used) assert.equal(await postHttp2(client), '200')
    let lastStreamId = 0
    client.on('goaway', (_code, last: number) => (lastStreamId ||= last))
    stage.update()
    stage.clock.advance(30_000)
    assert.equal(lastStreamId, 0)
    // Both are under way when the client hears of the end.
    assert.deepEqual(await Promise.all([postHttp2(client), postHttp2(client)]), ['200', '200'])
    assert.equal(lastStreamId, 2 ** 31 - 1)
    stage.clock.advance(600)
    await accepted(stage, 0)
  }
})

test('HTTP/2: streams that the client opens before it hears of the end are served, however far away it is', async () => {
  const stage = await setUp()
  const { port, arrives } = await slowPath(stage.port)
  const client = http2Client(port)
  await once(client, 'remoteSettings')
  arrives.stop()
  stage.update()
  const first = postHttp2(client)
  await completed(stage, 1)
  stage.clock.advance(2000)
  const second = postHttp2(client)
  arrives.go()
  assert.deepEqual(await Promise.all([first, second]), ['200', '200'])
  await accepted(stage, 0)
})

test('HTTP/2: a client that does not answer the PING of a drain is not waited for longer', async () => {
  const stage = await setUp()
  const { port, arrives } = await slowPath(stage.port)
  const client = http2Client(port)
  await once(client, 'remoteSettings')
  arrives.stop()
  await stage.proxy.listeners.drain()
  stage.clock.advance(4900)
  assert.equal(stage.proxy.listeners.activeConnections, 1)
  stage.clock.advance(200)
  // Its GOAWAY stays unread: the connection is given the usual moment, then cut.
  stage.clock.advance(1000)
  await accepted(stage, 0)
})

test('what nobody has used within the drain time is closed, HTTP/2 after a GOAWAY', async () => {
  const stage = await setUp()
  const socket = await connected(stage)
  const client = http2Client(stage.port)
  await accepted(stage, 2)
  await once(client, 'remoteSettings')
  stage.update()
  assert.equal(stage.proxy.stats.value('listener_manager.total_listeners_draining'), 1)
  const goneAway = once(client, 'goaway')
  const closed = once(socket.resume(), 'end')
  stage.clock.advance(DRAIN_TIME_MS - 1000)
  await Promise.all([goneAway, closed])
  stage.clock.advance(1000)
  await accepted(stage, 0)
  assert.equal(stage.proxy.stats.value('listener_manager.total_listeners_draining'), 0)
})

test('a stop waits for no idle connection of a listener that was replaced', async () => {
  const stage = await setUp()
  const socket = await connected(stage)
  stage.update()
  await stage.proxy.listeners.drain()
  const closed = once(socket.resume(), 'end')
  stage.clock.advance(600)
  await closed
})

/** Has `clients` send until the listener has been updated `rounds` times, between requests of theirs. */
async function updatedUnderLoad(
  stage: Stage,
  rounds: number,
  clients: readonly (() => Promise<unknown>)[],
): Promise<void> {
  let running = true
  let answered = 0
  const sending = clients.map(async send => {
    while (running) {
      await send()
      answered++
    }
  })
  for (let round = 0; round < rounds; round++) {
    const before = answered
    while (answered < before + 2 * clients.length) await Promise.race([once(application, 'request'), ...sending])
    stage.update()
    stage.clock.advance(250)
  }
  running = false
  await Promise.all(sending)
}

function sender(port: number, agent: Agent | false): () => Promise<void> {
  return () =>
    new Promise((resolve, reject) => {
      request({ port, host: '127.0.0.1', method: 'POST', agent }, response => {
        response.resume().on('error', reject)
        response.on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(response.statusMessage))))
      })
        .on('error', reject)
        .end('x')
    })
}

test('updates under load fail no request: new connections, and kept ones', async () => {
  const stage = await setUp()
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  cleanups.push(() => agent.destroy())
  const kinds: (Agent | false)[] = [agent, false]
  await updatedUnderLoad(
    stage,
    40,
    kinds.flatMap(kind => Array.from({ length: 8 }, () => sender(stage.port, kind))),
  )
})

test('so it is by HTTP/2, for a client that heeds GOAWAY', async () => {
  const stage = await setUp()
  let session: ClientHttp2Session | null = null
  const send = (): Promise<string> => {
    if (session === null) {
      const opened = http2Client(stage.port)
      session = opened
      const forget = (): void => {
        if (session === opened) session = null
      }
      opened.on('goaway', forget).on('close', forget)
    }
    return postHttp2(session)
  }
  const checked = async (): Promise<void> => assert.equal(await send(), '200')
  await updatedUnderLoad(
    stage,
    40,
    Array.from({ length: 16 }, () => checked),
  )
})

test('so it is over TLS, whose handshakes updates overtake', async () => {
  const stage = await setUp({ transport_socket: downstreamTls() })
  const { privateKey: key, certificateChain: cert } = keyPair
  const send = async (): Promise<void> => {
    const socket = connectSecure({ port: stage.port, host: '127.0.0.1', rejectUnauthorized: false, key, cert })
    assert.match(await post(socket), /^HTTP\/1.1 200 /)
    socket.destroy()
  }
  await updatedUnderLoad(
    stage,
    10,
    Array.from({ length: 4 }, () => send),
  )
})
