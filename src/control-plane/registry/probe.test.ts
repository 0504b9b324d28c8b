// Health checks against real servers: TCP, HTTP, gRPC.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net'
import { test } from 'node:test'
import { type handleUnaryCall, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { FakeClock } from '../../base/clock.ts'
import { systemNetwork } from '../../transport/net/system-network.ts'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import { type ProbeCheck, probe } from './probe.ts'

const identity = (bytes: Buffer): Buffer => bytes
const CHECK = {
  check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
}

function check(port: number, how: ProbeCheck, clock = new FakeClock()) {
  return probe(systemNetwork, clock, { address: '127.0.0.1', port, check: how, timeoutMs: 1000 })
}

function http(path: string, more: Partial<ProbeCheck & { kind: 'http' }> = {}): ProbeCheck {
  return { kind: 'http', path, tls: false, headers: [], ...more }
}

async function listening(server: NetServer): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function withHealthService(use: (port: number, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = []
  const answer: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    const name = call.request.subarray(2).toString()
    asked.push(name)
    if (name === 'unknown') callback({ code: status.NOT_FOUND, details: 'unknown service' })
    else callback(null, Buffer.from([0x08, name === 'down' ? 2 : 1]))
  }
  const server = new Server()
  server.addService(CHECK, { check: answer })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, found) =>
      error ? reject(error) : resolve(found),
    ),
  )
  await use(port, asked)
  server.forceShutdown()
}

test('gRPC: the server as a whole, and a service by name', () =>
  withHealthService(async (port, asked) => {
    assert.deepEqual(await check(port, { kind: 'grpc', service: '' }), { healthy: true, detail: 'serving' })
    assert.deepEqual(await check(port, { kind: 'grpc', service: 'shop.Cart' }), { healthy: true, detail: 'serving' })
    assert.deepEqual(asked, ['', 'shop.Cart'])
  }))

test('gRPC: what is not serving, or not known, is not healthy', () =>
  withHealthService(async port => {
    assert.deepEqual(await check(port, { kind: 'grpc', service: 'down' }), { healthy: false, detail: 'not serving' })
    assert.deepEqual(await check(port, { kind: 'grpc', service: 'unknown' }), {
      healthy: false,
      detail: 'grpc-status 5',
    })
  }))

test('gRPC: a server of HTTP/1.1 is none', async () => {
  const server = createHttpServer((_request, response) => void response.end('hello'))
  const port = await listening(server)
  assert.equal((await check(port, { kind: 'grpc', service: '' })).healthy, false)
  server.close()
})

test('HTTP: 2xx and 3xx are healthy', async () => {
  const server = createHttpServer((request, response) => {
    response.statusCode = Number(request.url?.slice(1))
    response.end()
  })
  const port = await listening(server)
  assert.deepEqual(await check(port, http('/204')), { healthy: true, detail: 'status 204' })
  assert.deepEqual(await check(port, http('/503')), { healthy: false, detail: 'status 503' })
  server.close()
})

test('TCP: a connection that opens is healthy; silence is a time-out, and nobody is refused', async () => {
  const server = createServer(socket => void socket.on('error', () => {}))
  const port = await listening(server)
  assert.equal((await check(port, { kind: 'tcp' })).healthy, true)
  const clock = new FakeClock()
  const silent = check(port, http('/'), clock)
  clock.advance(1001)
  assert.deepEqual(await silent, { healthy: false, detail: 'timeout' })
  server.close()
  assert.deepEqual(await check(port, { kind: 'tcp' }), { healthy: false, detail: 'ECONNREFUSED' })
})

test('HTTP: headers of the check are sent, its host among them; over TLS whatever the certificate', async () => {
  const authority = await TestAuthority.create()
  const { certificateChain, privateKey } = await authority.issue({ names: [{ type: 'dns', value: 'elsewhere' }] })
  const seen: string[] = []
  const server = createHttpsServer({ cert: certificateChain, key: privateKey }, (request, response) => {
    seen.push(`${request.headers.host} ${request.headers['x-probe']} ${request.headers['user-agent']}`)
    response.end()
  })
  const port = await listening(server)
  const headers = [
    { name: 'host', value: 'shop.example.com' },
    { name: 'x-probe', value: 'yes' },
  ]
  assert.deepEqual(await check(port, http('/', { tls: true, headers })), { healthy: true, detail: 'status 200' })
  assert.deepEqual(seen, ['shop.example.com yes weft-health-check'])
  assert.equal((await check(port, http('/'))).healthy, false)
  server.close()
})
