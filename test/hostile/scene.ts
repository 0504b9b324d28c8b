// What a client of a real connection manager gets for hostile bytes, and what of them reaches the upstream.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { HTTP_CONNECTION_MANAGER } from '../../src/data-plane/filters/network/http-connection-manager/factory.ts'
import { FakeCluster, type FakeProxy, startFakeProxy } from '../../src/data-plane/http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../src/data-plane/http/testing/raw-client.ts'
import { ok, rawUpstream } from '../../src/data-plane/http/testing/raw-upstream.ts'
import { ERROR_CODE } from '../../src/transport/http2/error-code.ts'
import { FRAME } from '../../src/transport/http2/frame.ts'
import { frame, type ReadFrame, readFrames, settings } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileCase, HostileClass } from './hostile-case.ts'

const HONEST = 'GET /honest HTTP/1.1\r\nhost: a\r\n\r\n'
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const PING = Buffer.from('settled.')

/** A test for each case: the table says what happens, and another connection never notices. */
export function testHostile({ cases, config = {}, protocol, title }: HostileClass): void {
  for (const attack of cases) {
    test(`${title}: ${attack.name}`, async () => {
      const upstream = await rawUpstream(({ head }) => ok(head.path))
      const clusters = [new FakeCluster('c', upstream.port)]
      const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters, config })
      const gets = await (protocol === 'http1' ? askHttp1(proxy, attack) : askHttp2(proxy, attack))
      assert.equal((await exchange(proxy.port, HONEST)).body, '/honest')
      const seen = upstream.requests.filter(({ head }) => head.path !== '/honest')
      const upstreamSees = seen.map(({ head, body }) => `${head.method} ${head.path}${body && ` with ${body}`}`)
      await proxy.close()
      await upstream.close()
      assert.deepEqual(
        { gets, upstreamSees: upstreamSees.join(', ') || 'nothing' },
        { gets: attack.gets, upstreamSees: attack.upstreamSees },
      )
    })
  }
}

/** The statuses that come, the mesh's own with their details, and whether an honest request may follow. */
async function askHttp1(proxy: FakeProxy, { send }: HostileCase): Promise<string> {
  const client = new RawClient(proxy.port).send(send)
  const answers: string[] = []
  for (let last = false; !last; ) {
    const response = await client.response()
    if (response.error !== undefined || response.body === '/honest') {
      answers.push(response.error === undefined ? 'kept' : 'closed')
      last = true
    } else {
      const details = proxy.logs[answers.length]?.responseCodeDetails ?? ''
      answers.push(`${response.status}${details === 'via_upstream' ? '' : ` ${details}`}`)
      client.send(HONEST)
    }
  }
  client.socket.destroy()
  return answers.join(', ')
}

/** The resets and the GOAWAY that come before the answer to a PING, or before the end. */
function askHttp2(proxy: FakeProxy, { send }: HostileCase): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(proxy.port, '127.0.0.1')
    let bytes: Buffer = Buffer.alloc(0)
    const finish = (end: string): void => {
      socket.removeAllListeners('close').destroy()
      const said = wholeFrames(bytes).flatMap(describeEnd)
      resolve([...new Set(said), end].join(', '))
    }
    socket.on('error', () => {})
    socket.on('close', () => finish('closed'))
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      if (wholeFrames(bytes).some(({ type, payload }) => type === FRAME.ping && payload.equals(PING))) finish('kept')
    })
    socket.write(Buffer.concat([Buffer.from(PREFACE), settings(), Buffer.from(send as string, 'latin1')]))
    socket.write(frame(FRAME.ping, 0, 0, PING))
  })
}

function wholeFrames(bytes: Buffer): ReadFrame[] {
  let end = 0
  while (end + 9 <= bytes.length && end + 9 + bytes.readUIntBE(end, 3) <= bytes.length) {
    end += 9 + bytes.readUIntBE(end, 3)
  }
  return readFrames(bytes.subarray(0, end))
}

function describeEnd({ type, payload }: ReadFrame): string[] {
  if (type === FRAME.goAway) return [`GOAWAY ${errorName(payload.readUInt32BE(4))}`]
  return type === FRAME.rstStream ? [`RST_STREAM ${errorName(payload.readUInt32BE(0))}`] : []
}

/** As RFC 9113 7 spells it. */
function errorName(code: number): string {
  const [name = String(code)] = Object.entries(ERROR_CODE).find(([, value]) => value === code) ?? []
  return name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}
