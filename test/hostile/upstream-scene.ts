// What a client of a real connection manager gets when the upstream breaks the protocol, and where it shows.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../src/base/clock.ts'
import { createClusterStats } from '../../src/data-plane/cluster/cluster-stats.ts'
import { HTTP_CONNECTION_MANAGER } from '../../src/data-plane/filters/network/http-connection-manager/factory.ts'
import {
  FakeCluster,
  FakeStats,
  fakeEndpoint,
  plainTransport,
  startFakeProxy,
} from '../../src/data-plane/http/testing/fake-proxy.ts'
import { formatResponseFlags } from '../../src/data-plane/response-flag.ts'
import { FLAG, FRAME, PREFACE } from '../../src/transport/http2/frame.ts'
import { data, headers, settings } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileAnswer, HostileUpstreamClass } from './hostile-case.ts'
import { Http1Attacker, until } from './http1-attacker.ts'
import { FrameCollector } from './http2-attacker.ts'

/** A test for each answer: the table says what happens, and the next request is answered by the honest upstream. */
export function testHostileUpstream(hostile: HostileUpstreamClass): void {
  for (const answer of hostile.answers) test(`${hostile.title}: ${answer.name}`, () => run(hostile, answer))
}

async function run({ protocol, counts, logs }: HostileUpstreamClass, answer: HostileAnswer): Promise<void> {
  const sockets: Socket[] = []
  let isHonest = false
  const reply = (honest: Buffer | string): Buffer | string => {
    if (isHonest) return honest
    isHonest = true
    if (answer.deaf === 'upstream') sockets.at(-1)!.pause()
    return answer.send
  }
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    if (protocol === 'http1') serveHttp1(socket, reply)
    else serveHttp2(socket, reply)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stats = new FakeStats()
  const cluster = new FakeCluster('c', (server.address() as AddressInfo).port)
  cluster.httpProtocol = protocol
  const dialled: Socket[] = []
  const connect: typeof plainTransport.connect = (...target) => {
    const socket = plainTransport.connect(...target)
    dialled.push(socket)
    return socket
  }
  cluster.endpoints = [fakeEndpoint(cluster.endpoints[0]!.port, { ...plainTransport, connect })]
  Object.assign(cluster, { stats: createClusterStats(stats) })
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], clock: new FakeClock() })
  const client = new Http1Attacker(proxy.port)
  const another = new Http1Attacker(proxy.port)
  try {
    client.send('POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello')
    if (answer.deaf === 'client') {
      client.deafen()
      await until(() => counted(stats) !== 'none')
      client.hearAgain()
    }
    const gets = await client.outcome()
    assert.ok(await another.honest(), 'another client')
    for (let turn = 0; turn < 5000 && answer.upstream === 'closed' && !dialled[0]!.destroyed; turn++) {
      await new Promise(setImmediate)
    }
    const { responseFlags, responseCodeDetails } = proxy.logs[0]!
    assert.deepEqual(
      {
        gets,
        upstream: dialled[0]!.destroyed ? 'closed' : 'kept',
        connections: dialled.length,
        counts: counted(stats),
        logs: `${formatResponseFlags(responseFlags)} ${responseCodeDetails}`,
      },
      {
        gets: answer.gets,
        upstream: answer.upstream,
        connections: answer.upstream === 'kept' ? 1 : 2,
        counts: answer.counts ?? counts,
        logs: answer.logs ?? logs,
      },
    )
  } finally {
    client.close()
    another.close()
    await proxy.close()
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  }
}

const HONEST = '/honest'
const OK = [':status', '200'] as const

function serveHttp1(socket: Socket, reply: (honest: string) => Buffer | string): void {
  socket.on('data', () => {
    socket.write(reply(`HTTP/1.1 200 OK\r\ncontent-length: ${HONEST.length}\r\n\r\n${HONEST}`), 'latin1')
  })
}

function serveHttp2(socket: Socket, reply: (honest: Buffer) => Buffer | string): void {
  const frames = new FrameCollector()
  let preface = PREFACE.length
  socket.write(settings())
  socket.on('data', (chunk: Buffer) => {
    const skipped = Math.min(preface, chunk.length)
    preface -= skipped
    for (const { type, flags, streamId } of frames.add(chunk.subarray(skipped))) {
      const endsRequest = (type === FRAME.headers || type === FRAME.data) && (flags & FLAG.endStream) !== 0
      if (!endsRequest) continue
      const honest = [
        headers(streamId, [OK, ['content-length', String(HONEST.length)]]),
        data(streamId, HONEST, FLAG.endStream),
      ]
      socket.write(reply(Buffer.concat(honest)), 'latin1')
    }
  })
}

/** Traffic as such. */
const VOLUME =
  /^upstream_(cx_(total|active|destroy.*|.x_bytes_total)|rq_(total|active|pending_(total|active)|.xx|time\.count))$/

function counted({ values }: FakeStats): string {
  const names = [...values].filter(([name, { value }]) => value > 0 && !VOLUME.test(name))
  return (
    names
      .sort()
      .map(([name, { value }]) => (value === 1 ? name : `${value} x ${name}`))
      .join(', ') || 'none'
  )
}
