// Sockets that are lent to a successor.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { test } from 'node:test'
import { InheritableNetwork } from './inheritable-network.ts'
import { systemNetwork } from './system-network.ts'

test('what is lent keeps its number until it is released, though it is closed meanwhile', async () => {
  const network = new InheritableNetwork(systemNetwork)
  const listener = await network.listen('127.0.0.1', 0, socket => socket.destroy())
  const [lent] = network.lend()
  assert.equal(lent?.bound.port, listener.port)
  let isClosed = false
  const closed = listener.close().then(() => {
    isClosed = true
  })
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(isClosed, false)
  assert.ok(fstatSync(lent!.fd).isSocket())
  // The next successor has none of it.
  assert.deepEqual(network.lend(), [])
  network.release()
  await closed
  await assert.rejects(once(systemNetwork.connect('127.0.0.1', listener.port), 'connect'), { code: 'ECONNREFUSED' })
})

test('what is not lent is closed at once', async () => {
  const network = new InheritableNetwork(systemNetwork)
  const listener = await network.listen('127.0.0.1', 0, socket => socket.destroy())
  network.lend()
  network.release()
  await listener.close()
  await assert.rejects(once(systemNetwork.connect('127.0.0.1', listener.port), 'connect'), { code: 'ECONNREFUSED' })
})
