// Hot restart of real processes: what a client sees of it, and what a successor that will not run leaves behind.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { systemNetwork } from '../transport/net/system-network.ts'
import { freePort } from '../transport/net/testing/free-port.ts'
import { type Answer, ask, ProxyLine } from './testing/proxy-line.ts'

const TYPE = 'type.googleapis.com/envoy.extensions'
const folder = mkdtempSync(join(tmpdir(), 'weft-restart-'))
const config = join(folder, 'bootstrap.yaml')
after(() => rmSync(folder, { recursive: true }))

const LOOPBACK = '{ socket_address: { address: 127.0.0.1, port_value: 0 } }'

function bootstrap(body: string, address = LOOPBACK): string {
  return `
admin: { address: ${LOOPBACK} }
static_resources:
  listeners:
    - name: one
      address: ${address}
      filter_chains:
        - filters:
            - name: http
              typed_config:
                "@type": ${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: front
                route_config:
                  name: local
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{ match: { prefix: / }, direct_response: { status: 200, body: { inline_string: ${body} } } }]
                http_filters:
                  - name: router
                    typed_config: { "@type": ${TYPE}.filters.http.router.v3.Router }
`
}

let line: ProxyLine
afterEach(() => line.end())

/** Load on kept and on fresh connections, and two restarts of `line` meanwhile. */
async function restartTwice(address?: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const seen = new Set<string>()
  let running = true
  const load = async (options: { agent?: Agent }): Promise<void> => {
    while (running) {
      const { status, body } = await ask(line.port, '/', options)
      seen.add(`${status} ${body}`)
    }
  }
  const clients = Array.from({ length: 8 }, (_, index) => load(index < 4 ? { agent } : {}))
  for (const [epoch, body] of [
    [1, 'second'],
    [2, 'third'],
  ] as const) {
    const before = line.pid
    writeFileSync(config, bootstrap(body, address))
    if (epoch === 1) process.kill(before, 'SIGUSR2')
    else assert.equal((await ask(line.adminPort, '/hot_restart', { method: 'POST' })).status, 200)
    await line.says(new RegExp(`(stopped.*){${epoch}}`, 's'))
    assert.notEqual(line.pid, before)
    assert.equal((await ask(line.port, '/')).body, body)
    const info = JSON.parse((await ask(line.adminPort, '/server_info')).body)
    assert.equal(info.command_line_options.restart_epoch, epoch)
  }
  running = false
  await Promise.all(clients)
  agent.destroy()
  assert.deepEqual([...seen], ['200 first', '200 second', '200 third'])
  assert.equal(await line.firstEnded, 0)
  await ask(line.adminPort, '/quitquitquit', { method: 'POST' })
  await line.says(/(stopped.*){3}/s)
}

test('two restarts under load: no request fails, the new config serves, the admin port follows', async () => {
  writeFileSync(config, bootstrap('first'))
  line = await ProxyLine.start(config, '--drain-time-s', '60')
  await restartTwice()
})

test('so it is with several event loops: each hands its own sockets on', async () => {
  const address = LOOPBACK.replace('value: 0', `value: ${await freePort()}`)
  writeFileSync(config, bootstrap('first', address))
  line = await ProxyLine.start(config, '--drain-time-s', '60', '--concurrency', '3')
  await restartTwice(address)
})

test('an idle connection is not cut: its next response announces the end', async () => {
  writeFileSync(config, bootstrap('first'))
  line = await ProxyLine.start(config, '--drain-time-s', '60')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  assert.deepEqual(await ask(line.port, '/', { agent }), { status: 200, body: 'first', closes: false })
  writeFileSync(config, bootstrap('second'))
  process.kill(line.pid, 'SIGUSR2')
  await line.says(/the successor is live/)
  // The predecessor's answer, on the connection of old; then there is nothing left to stay for.
  assert.deepEqual(await ask(line.port, '/', { agent }), { status: 200, body: 'first', closes: true })
  assert.equal(await line.firstEnded, 0)
  assert.deepEqual(await ask(line.port, '/', { agent }), { status: 200, body: 'second', closes: false })
  agent.destroy()
})

test('a successor that will not run changes nothing; two at once are refused; a socket nobody wants is closed', async () => {
  writeFileSync(config, bootstrap('first'))
  line = await ProxyLine.start(config, '--drain-time-s', '0')
  writeFileSync(config, 'static_resources: { listeners: [{ name: broken }] }')
  const asked = (): Promise<Answer> => ask(line.adminPort, '/hot_restart', { method: 'POST' })
  const answers = await Promise.all([asked(), asked()])
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
  await line.says(/hot restart failed .*ended with code 79/)
  assert.equal(line.pid, line.first.pid)
  assert.equal((await ask(line.port, '/')).body, 'first')
  writeFileSync(config, bootstrap('second', LOOPBACK.replace('127.0.0.1', '127.0.0.2')))
  assert.equal((await asked()).status, 200)
  assert.equal(await line.firstEnded, 0)
  await assert.rejects(ask(line.port, '/'), /ECONNREFUSED/)
})

test('a successor that dies while its predecessor drains is the end of that one, too', async () => {
  writeFileSync(config, bootstrap('first'))
  line = await ProxyLine.start(config, '--drain-time-s', '60')
  const agent = new Agent({ keepAlive: true })
  await ask(line.port, '/', { agent })
  process.kill(line.pid, 'SIGUSR2')
  await line.says(/the successor is live/)
  process.kill(line.pid, 'SIGKILL')
  assert.equal(await line.firstEnded, 1)
  assert.match(line.log, /the successor ended by SIGKILL/)
  agent.destroy()
})

test('a successor that is replaced in its turn is no loss to what its predecessor still carries', async () => {
  writeFileSync(config, bootstrap('first'))
  line = await ProxyLine.start(config, '--drain-time-s', '60')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  await ask(line.port, '/', { agent })
  for (const epoch of [1, 2]) {
    process.kill(line.pid, 'SIGUSR2')
    await line.says(new RegExp(`(the successor is live.*){${epoch}}`, 's'))
  }
  // The second has no connection, and ends; the first has one.
  await line.says(/stopped/)
  assert.equal(line.first.exitCode, null)
  assert.deepEqual(await ask(line.port, '/', { agent }), { status: 200, body: 'first', closes: true })
  assert.equal(await line.firstEnded, 0)
  agent.destroy()
})

test('a predecessor that dies while its successor starts leaves it in charge, and nobody is refused', async () => {
  writeFileSync(config, bootstrap('first'))
  line = await ProxyLine.start(config)
  writeFileSync(config, bootstrap('second'))
  process.kill(line.pid, 'SIGUSR2')
  await line.says(/hot restart/)
  line.first.kill('SIGKILL')
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(line.port, '/')))
  assert.deepEqual(new Set(answers.map(({ body }) => body)), new Set(['second']))
  await line.says(/(live .*){2}/s)
})

test('what cannot be bound is said, and changes nothing', async () => {
  writeFileSync(config, bootstrap('first'))
  line = await ProxyLine.start(config)
  const taken = await systemNetwork.listen('127.0.0.1', 0, socket => socket.destroy())
  writeFileSync(config, bootstrap('second', LOOPBACK.replace('value: 0', `value: ${taken.port}`)))
  process.kill(line.pid, 'SIGUSR2')
  await line.says(/cannot take over: .*EADDRINUSE.*hot restart failed/s)
  await taken.close()
  assert.equal((await ask(line.port, '/')).body, 'first')
  assert.equal(line.pid, line.first.pid)
})
