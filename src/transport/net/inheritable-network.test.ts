// Sockets that are lent to a successor.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { test } from 'node:test'
import { InheritableNetwork } from './inheritable-network.ts'
import { DUAL_STACK } from './network.ts'
import { systemNetwork } from './system-network.ts'

async function isRefused(port: number): Promise<boolean> {
  const socket = systemNetwork.connect('127.0.0.1', port)
  const refused = await once(socket, 'connect').then(
    () => false,
    error => error.code === 'ECONNREFUSED',
  )
  socket.destroy()
  return refused
}

test('what is lent keeps its number until it is released, though it is closed meanwhile: clients are turned away', async () => {
  const network = new InheritableNetwork(systemNetwork)
  const listener = await network.listen('127.0.0.1', 0, () => assert.fail('nobody listens'))
  const [lent] = await network.lend()
  assert.equal(lent?.bound.port, listener.port)
  await listener.close()
  assert.ok(fstatSync(lent!.fd).isSocket())
  const client = systemNetwork.connect('127.0.0.1', listener.port).resume()
  await once(client, 'close')
  // The next successor has none of it.
  assert.deepEqual(await network.lend(), [])
  network.release()
  assert.ok(await isRefused(listener.port))
})

test('what was lent and closed is taken back without being bound again', async () => {
  const network = new InheritableNetwork(systemNetwork)
  const first = await network.listen('127.0.0.1', 0, () => assert.fail('nobody listens'))
  const [lent] = await network.lend()
  await first.close()
  const accepted = Promise.withResolvers<void>()
  const again = await network.listen('127.0.0.1', 0, socket => {
    socket.destroy()
    accepted.resolve()
  })
  assert.deepEqual([again.port, again.fd], [first.port, lent?.fd])
  network.release()
  const client = systemNetwork.connect('127.0.0.1', first.port).resume()
  await Promise.all([accepted.promise, once(client, 'close')])
  await again.close()
  assert.ok(await isRefused(first.port))
})

test('what is not lent is closed at once', async () => {
  const network = new InheritableNetwork(systemNetwork)
  const listener = await network.listen('127.0.0.1', 0, socket => socket.destroy())
  await network.lend()
  network.release()
  await listener.close()
  assert.ok(await isRefused(listener.port))
})

test('what is being bound is lent, too', async () => {
  const network = new InheritableNetwork(systemNetwork)
  const binding = network.listen('127.0.0.1', 0, socket => socket.destroy())
  const lent = await network.lend()
  const { fd, close } = await binding
  assert.deepEqual(
    lent.map(each => each.fd),
    [fd],
  )
  network.release()
  await close()
})

test('a socket of both families is inherited by who asks for both', async () => {
  const network = new InheritableNetwork(systemNetwork)
  const { port, close } = await network.listen(DUAL_STACK, 0, socket => socket.destroy())
  const lent = await network.lend()
  assert.deepEqual(
    lent.map(({ wanted }) => wanted),
    [{ address: DUAL_STACK, port: 0 }],
  )
  const successor = new InheritableNetwork(systemNetwork, lent, {
    listen: () => assert.fail('not accepted on here'),
    close: () => {},
  })
  const inherited = await successor.listen(DUAL_STACK, 0, () => {})
  assert.deepEqual([inherited.port, inherited.fd], [port, lent[0]?.fd])
  await inherited.close()
  network.release()
  await close()
})
