import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'
import fc from 'fast-check'
import { parseClientHello } from './client-hello.ts'

async function captureHello(servername: string, ALPNProtocols: string[]): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ port: (server.address() as { port: number }).port, servername, ALPNProtocols })
  client.on('error', () => {})
  const [socket] = await once(server, 'connection')
  const [bytes] = await once(socket, 'data')
  socket.destroy()
  client.destroy()
  server.close()
  return bytes
}

const hello = await captureHello('Outbound_.9080_.v1_.Reviews.example', ['istio', 'h2'])

test('server name and protocols are read', () => {
  assert.deepEqual(parseClientHello(hello), {
    kind: 'client-hello',
    serverName: 'outbound_.9080_.v1_.reviews.example',
    applicationProtocols: ['istio', 'h2'],
  })
})

test('every proper prefix is incomplete, and what follows the hello does not matter', () => {
  for (let length = 0; length < hello.length; length++) {
    assert.equal(parseClientHello(hello.subarray(0, length)).kind, 'incomplete', `${length} bytes`)
  }
  assert.equal(parseClientHello(Buffer.concat([hello, Buffer.from('more')])).kind, 'client-hello')
})

test('a hello split over several records is put together', () => {
  const body = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < body.length; at += 50) {
    const fragment = body.subarray(at, at + 50)
    records.push(Buffer.from([0x16, 3, 1, fragment.length >> 8, fragment.length & 0xff]), fragment)
  }
  assert.deepEqual(parseClientHello(Buffer.concat(records)), parseClientHello(hello))
})

test('plaintext is told apart by its first byte', () => {
  assert.equal(parseClientHello(Buffer.from('GET / HTTP/1.1\r\n')).kind, 'not-tls')
  assert.equal(parseClientHello(Buffer.from([0x16, 0x47])).kind, 'not-tls')
})

test('a hello that announces more than 16 KiB says so at once', () => {
  assert.equal(parseClientHello(Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff])).kind, 'too-large')
})

test('no bytes whatever make it throw, and no damage to a real hello does', () => {
  const kinds = new Set(['incomplete', 'not-tls', 'too-large', 'client-hello'])
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), bytes =>
      kinds.has(parseClientHello(Buffer.from([0x16, 3, 1, ...bytes])).kind),
    ),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 20 }), damage => {
      const bytes = Buffer.from(hello)
      for (const [at, value] of damage) bytes[at] = value
      return kinds.has(parseClientHello(bytes).kind)
    }),
    { numRuns: 2000 },
  )
})
