import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { DUAL_STACK } from './network.ts'
import { reusePortNetwork } from './reuse-port-network.ts'
import { connectFailure, systemNetwork } from './system-network.ts'
import { freePort } from './testing/free-port.ts'
import { WITHOUT_IPV6 } from './testing/ipv6.ts'

test('a bound listener accepts, and its port is free again once closed while a connection lives on', async () => {
  const listener = await systemNetwork.listen('127.0.0.1', 0, socket => socket.on('error', () => {}).write('hello'))
  const client = systemNetwork.connect('127.0.0.1', listener.port)
  const [greeting] = await once(client, 'data')
  assert.equal(String(greeting), 'hello')
  await listener.close()
  const again = await systemNetwork.listen('127.0.0.1', listener.port, () => {})
  assert.equal(again.port, listener.port)
  assert.equal(client.destroyed, false)
  client.destroy()
  await again.close()
})

test('an address in use rejects with the system error', async () => {
  const first = await systemNetwork.listen('127.0.0.1', 0, () => {})
  await assert.rejects(
    systemNetwork.listen('127.0.0.1', first.port, () => {}),
    { code: 'EADDRINUSE' },
  )
  await first.close()
})

test('a refused connection is an error event, worded as Envoy words it', async () => {
  const listener = await systemNetwork.listen('127.0.0.1', 0, () => {})
  await listener.close()
  const socket = systemNetwork.connect('127.0.0.1', listener.port)
  const [error] = await once(socket, 'error')
  assert.equal(connectFailure(error), 'Connection refused')
})

test('names resolve, IPv4 first', async () => {
  assert.equal((await systemNetwork.resolve('localhost'))[0], '127.0.0.1')
})

test('an address that cannot be looked up at all is an error event, too', async () => {
  const [error] = await once(systemNetwork.connect('a\0b', 80), 'error')
  assert.equal((error as NodeJS.ErrnoException).code, 'ERR_INVALID_ARG_VALUE')
})

test('loops that share a port are of one family as well, unless both are asked for', {
  skip: WITHOUT_IPV6,
}, async () => {
  const port = await freePort()
  const reached = async (address: string): Promise<string> => {
    const listener = await reusePortNetwork.listen(address, port, socket => socket.on('error', () => {}).end())
    const client = systemNetwork.connect('127.0.0.1', port).resume()
    const outcome = await once(client, 'close').then(
      () => 'taken',
      error => error.code,
    )
    await listener.close()
    return outcome
  }
  assert.deepEqual([await reached('::'), await reached(DUAL_STACK)], ['ECONNREFUSED', 'taken'])
})
