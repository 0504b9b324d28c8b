// Sockets that read into one block: each chunk is its reader's, to keep for as long as it likes.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import fc from 'fast-check'
import { readDirectly } from './direct-read.ts'
import { OWNERS_MAX, READ_INTO_BLOCK, readIntoBlock } from './read-block.ts'
import { systemNetwork } from './system-network.ts'

/** As libuv asks. */
const BLOCK_BYTES = 65_536
const ignore = (): void => {}
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Sends `sizes` bytes, a write each, to who sends them back; resolves with all that came, each chunk kept to the end. */
async function echoed(port: number, letter: string, sizes: readonly number[]): Promise<string> {
  const socket = systemNetwork.connect('127.0.0.1', port)
  const chunks: Buffer[] = []
  readDirectly(socket, chunk => void chunks.push(chunk))
  for (const size of sizes) socket.write(letter.repeat(size))
  socket.end()
  await once(socket, 'end')
  return Buffer.concat(chunks).toString('latin1')
}

test('what several sockets read by turns stays as it was, whether blocks fill or not, and whoever connects meanwhile', async () => {
  const late: Promise<string>[] = []
  const listener = await systemNetwork.listen('127.0.0.1', 0, socket => {
    const chunks: Buffer[] = []
    socket.on('error', ignore)
    readDirectly(socket, chunk => {
      chunks.push(chunk)
      if (chunk.length === BLOCK_BYTES && late.length < 20) late.push(echoed(listener.port, 'z', [70_000]))
    })
    socket.on('end', () => socket.end(Buffer.concat(chunks)))
  })
  const size = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 300_000 }))
  const connection = fc.array(size, { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.array(connection, { minLength: 1, maxLength: 4 }), async connections => {
      const letterOf = (index: number): string => 'abcd'.charAt(index)
      const answers = connections.map((sizes, index) => echoed(listener.port, letterOf(index), sizes))
      for (const [index, answer] of (await Promise.all(answers)).entries()) {
        const length = connections[index]!.reduce((sum, bytes) => sum + bytes, 0)
        assert.ok(answer === letterOf(index).repeat(length), `${answer.length} bytes of ${length}, or others`)
      }
    }),
    { numRuns: 30 },
  )
  for (const answer of await Promise.all(late)) assert.ok(answer === 'z'.repeat(70_000))
  await listener.close()
})

test('who fills the common block has blocks of its own for as long as it fills them; nobody else has', async () => {
  const { callback } = READ_INTO_BLOCK
  const buffer = READ_INTO_BLOCK.buffer as () => Buffer
  const socket = new Socket()
  const read = (block: Buffer, letter: string, length: number): void => {
    block.fill(letter)
    callback.call(socket, length, block)
  }
  const common = buffer()
  read(common, 'a', BLOCK_BYTES)
  const own = buffer()
  assert.notEqual(own, common)
  assert.equal(buffer(), common, 'a socket made meanwhile')
  read(own, 'b', BLOCK_BYTES)
  const second = buffer()
  assert.ok(second !== common && second !== own)
  read(second, 'c', 5000)
  assert.equal(buffer(), common)
  read(common, 'd', 50)
  assert.equal(buffer(), common)
  const expected = `${'a'.repeat(BLOCK_BYTES)}${'b'.repeat(BLOCK_BYTES)}${'c'.repeat(5000)}${'d'.repeat(50)}`
  socket.push(null)
  assert.ok((await text(socket)) === expected)
})

test('few have blocks of their own at a time, or many that fall silent behind a full one would hold as many', async () => {
  const { callback } = READ_INTO_BLOCK
  const buffer = READ_INTO_BLOCK.buffer as () => Buffer
  const common = buffer()
  const fills = (socket: Socket): boolean => {
    callback.call(socket, BLOCK_BYTES, common)
    return buffer() !== common
  }
  const sockets = Array.from({ length: OWNERS_MAX }, () => new Socket())
  for (const socket of sockets) assert.ok(fills(socket))
  const further = new Socket()
  assert.ok(!fills(further))
  sockets[0]!.destroy()
  await once(sockets[0]!, 'close')
  assert.ok(fills(further), 'one has closed')
  for (const socket of [...sockets, further]) callback.call(socket, 1, Buffer.alloc(BLOCK_BYTES))
  assert.ok(fills(sockets[1]!), 'others have read less')
  sockets[1]!.destroy()
})

test('sockets that were accepted read into it, too: this Node keeps the names where they are looked for', async () => {
  const accepted = Promise.withResolvers<Socket>()
  const listener = await systemNetwork.listen('127.0.0.1', 0, accepted.resolve)
  const client = systemNetwork.connect('127.0.0.1', listener.port)
  const server = await accepted.promise
  const chunkOf = async (word: string, from: Socket, to: Socket): Promise<Buffer> => {
    from.write(word)
    const [chunk] = await once(to, 'data')
    return chunk
  }
  const [there, back] = [await chunkOf('ping', client, server), await chunkOf('pong', server, client)]
  assert.deepEqual([String(there), String(back)], ['ping', 'pong'])
  assert.ok(there.buffer === back.buffer, 'not in one page')
  client.destroy()
  server.destroy()
  await listener.close()
})

test('a reset is heard of while the reader pauses, by who was accepted and by who connected', async () => {
  for (const which of ['accepted', 'connected'] as const) {
    const accepted = Promise.withResolvers<Socket>()
    const listener = await systemNetwork.listen('127.0.0.1', 0, accepted.resolve)
    const connected = systemNetwork.connect('127.0.0.1', listener.port)
    const server = await accepted.promise
    const [paused, other] = which === 'accepted' ? [server, connected] : [connected, server]
    other.write('x')
    await once(paused, 'data')
    paused.pause()
    const reset = once(paused, 'error')
    other.resetAndDestroy()
    assert.equal(((await reset)[0] as NodeJS.ErrnoException).code, 'ECONNRESET')
    await listener.close()
  }
})

test('a reader that pauses at every chunk has no more queued than any other', async () => {
  const small = 50
  for (const which of ['accepted', 'connected'] as const) {
    const accepted = Promise.withResolvers<Socket>()
    const listener = await systemNetwork.listen('127.0.0.1', 0, accepted.resolve)
    const connected = systemNetwork.connect('127.0.0.1', listener.port)
    const server = await accepted.promise
    const [slow, other] = which === 'accepted' ? [server, connected] : [connected, server]
    slow.on('data', () => slow.pause()).pause()
    for (let queued = 0; queued < small; queued++) {
      other.write('x')
      while (slow.readableLength === queued) await turn()
    }
    other.write(Buffer.alloc(4 * 1024 * 1024))
    while (slow.readableLength <= small) await turn()
    for (let taken = 0; taken < small; taken++) {
      slow.resume()
      await turn()
      assert.ok(slow.readableLength <= 2 * slow.readableHighWaterMark, `${slow.readableLength} bytes queued`)
    }
    slow.destroy()
    other.destroy()
    await listener.close()
  }
})

test('a socket that has no handle of the system is left as it is', async () => {
  const socket = new Socket()
  assert.equal(readIntoBlock(socket), false)
  assert.equal(READ_INTO_BLOCK.callback.call(socket, 5, Buffer.from('hello, world')), true)
  socket.push(null)
  assert.equal(await text(socket), 'hello')
})
