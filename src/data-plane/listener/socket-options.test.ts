// socket_options of a listener: what the kernel makes of them, and what is refused. An Envoy 1.40 has it do the same.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import { systemNetwork } from '../../transport/net/system-network.ts'
import { SocketOptionSchema } from '../../xds/generated/envoy/config/core/v3/socket_option_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import { boundPort, connectionManager, listener, openProxy } from '../mesh-fixture.ts'
import { readSocketOptions } from './socket-options.ts'

const option = (level: number, name: number, value: number): JsonValue => ({ level, name, int_value: value })
const ON = option(1, 9, 1)

function read(options: readonly JsonValue[]) {
  const check = new ResourceCheck('Listener l')
  const value = readSocketOptions(
    options.map(json => fromJson(SocketOptionSchema, json)),
    check,
  )
  return { value, problems: check.problems.map(({ path, message }) => `${path}: ${message}`) }
}

test('what keeps alive is read, in any order; what is not set is as Linux has it', () => {
  assert.deepEqual(read([]), { value: null, problems: [] })
  assert.deepEqual(read([option(6, 4, 60)]).value, null)
  assert.deepEqual(read([option(1, 9, 0), option(6, 4, 60)]).value, null)
  assert.deepEqual(read([ON]).value, { timeSeconds: 7200, intervalSeconds: 75, probes: 9 })
  const states = ['STATE_PREBIND', 'STATE_BOUND', 'STATE_LISTENING']
  const all = [option(6, 6, 3), option(6, 5, 10), option(6, 4, 60)].map((each, index) => {
    return { ...(each as object), state: states[index]!, description: 'probes' }
  })
  assert.deepEqual(read([...all, ON]).value, { timeSeconds: 60, intervalSeconds: 10, probes: 3 })
})

test('any other option, and what the system would not take, is refused by name', () => {
  const { problems } = read([
    option(1, 15, 1),
    option(6, 4, 0),
    option(6, 6, 128),
    option(1, 9, -1),
    { level: 1, name: 9, buf_value: 'AQ==' },
    { level: 6, name: 5 },
  ])
  assert.deepEqual(problems, [
    'socket_options[0]: of socket options those that keep alive are supported, not level 1, name 15',
    'socket_options[1].int_value: must be from 1 to 32767',
    'socket_options[2].int_value: must be from 1 to 127',
    'socket_options[3].int_value: must be from 0 to 2147483647',
    'socket_options[4].buf_value: is not supported',
    'socket_options[5].int_value: is required',
  ])
})

/** What the kernel waits for on this side of a connection: 2, a keepalive probe, and in how many seconds. */
function timerOf(port: number, client: Socket): readonly [kind: number, seconds: number] {
  const hex = (value: number | undefined): string => (value ?? 0).toString(16).toUpperCase().padStart(4, '0')
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  const line = lines.find(each => each.includes(`:${hex(port)} 0100007F:${hex(client.localPort)} `))
  const [kind = '', ticks = ''] = line?.trim().split(/\s+/)[5]?.split(':') ?? []
  return [Number.parseInt(kind, 16), Number.parseInt(ticks, 16) / 100]
}

test('a client that is silent is probed', { skip: process.platform !== 'linux' && 'as Linux shows it' }, async () => {
  const proxy = openProxy()
  const chain = { filters: [connectionManager({ route_config: { name: 'r' } })] }
  const probed = { socket_options: [ON, option(6, 4, 1000)] }
  proxy.apply('listener', [listener('probed', [chain], probed), listener('not', [chain])])
  const timers: (readonly [number, number])[] = []
  for (const name of ['probed', 'not']) {
    const port = await boundPort(proxy, name)
    const client = systemNetwork.connect('127.0.0.1', port)
    client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await once(client, 'data')
    // Until its data are acknowledged the kernel waits for that.
    while (timerOf(port, client)[0] === 1) await new Promise(setImmediate)
    timers.push(timerOf(port, client))
    client.destroy()
  }
  const [[kind, seconds], none] = timers as [(typeof timers)[0], (typeof timers)[0]]
  assert.equal(kind, 2)
  assert.ok(seconds > 900 && seconds <= 1000, `${seconds}`)
  assert.equal(none[0], 0)
  await proxy.close()
})

test('an internal listener has no socket', () => {
  const proxy = openProxy()
  const internal = listener('i', [{ filters: [connectionManager({ route_config: { name: 'r' } })] }])
  internal.address = undefined
  internal.listenerSpecifier = { case: 'internalListener', value: {} as never }
  internal.socketOptions.push(fromJson(SocketOptionSchema, ON))
  assert.match(proxy.apply('listener', [internal])[0]?.message ?? '', /an internal listener has none/)
})
