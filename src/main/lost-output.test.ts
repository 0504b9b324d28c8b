// Real processes whose log collector goes away: they serve on, and end in order when asked to.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, get, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { freePort } from '../transport/net/testing/free-port.ts'

const PROGRAM = join(import.meta.dirname, '../../bin/weft.js')
const folder = mkdtempSync(join(tmpdir(), 'weft-lost-output-'))
after(() => rmSync(folder, { recursive: true }))

let child: ChildProcess
afterEach(() => void child.kill('SIGKILL'))

function start(...args: readonly string[]): Promise<[number | null, NodeJS.Signals | null]> {
  child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  return new Promise(resolve => child.once('exit', (code, signal) => resolve([code, signal])))
}

/** Reads until `pattern` has been written, then never again. */
async function readUntil(pattern: RegExp): Promise<void> {
  let text = ''
  for await (const chunk of child.stderr!) {
    text += chunk
    if (pattern.test(text)) break
  }
  child.stderr!.destroy()
  child.stdout!.destroy()
}

async function refuses(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const refused = await Promise.race([
      once(socket, 'connect').then(() => false),
      once(socket, 'close').then(() => true),
    ]).catch(() => true)
    socket.destroy()
    if (refused) return
    await new Promise(resolve => setImmediate(resolve))
  }
}

const BOOTSTRAP = (port: number, upstream: number): string => `
static_resources:
  listeners:
    - name: one
      address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - filters:
            - name: http
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: front
                access_log:
                  - name: out
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog }
                route_config:
                  name: local
                  virtual_hosts: [{ name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: app } }] }]
                http_filters:
                  - name: router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
    - name: app
      type: STATIC
      load_assignment:
        cluster_name: app
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${upstream} } } } }] }]
`

test('a proxy finishes what runs, and ends with code 0', async t => {
  const held: ServerResponse[] = []
  const application = createServer((_request, response) => void held.push(response)).listen(0, '127.0.0.1')
  t.after(() => void application.close().closeAllConnections())
  await once(application, 'listening')
  const port = await freePort()
  const file = join(folder, 'bootstrap.yaml')
  writeFileSync(file, BOOTSTRAP(port, (application.address() as AddressInfo).port))
  const ended = start('proxy', '-c', file)
  await readUntil(/ live /)
  const answered = once(get({ port, host: '127.0.0.1', agent: false }), 'response')
  answered.catch(() => {})
  await once(application, 'request')
  child.kill('SIGTERM')
  await refuses(port)
  held[0]!.end('done')
  const [response] = await answered
  assert.equal(response.resume().statusCode, 200)
  assert.deepEqual(await ended, [0, null])
})

test('a proxy whose log is read no more ends all the same', async () => {
  const port = await freePort()
  const file = join(folder, 'unread.yaml')
  writeFileSync(file, BOOTSTRAP(port, await freePort()))
  // One pipe for both, as a container has: what the access log fills is what the last words need.
  const command = ['-c', 'exec "$@" 2>&1', 'sh', process.execPath, PROGRAM, 'proxy', '-c', file]
  child = spawn('sh', command, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let text = ''
  child.stdout!.on('data', chunk => {
    text += chunk
    if (text.includes(' live ')) child.stdout!.pause()
  })
  await once(child.stdout!, 'pause')
  const client = connect(port, '127.0.0.1').resume()
  // Each makes a line of 8 KB; a thousand of them are more than any pipe holds.
  const head = `GET /${'x'.repeat(8000)} HTTP/1.1\r\nhost: a\r\n`
  for (let n = 0; n < 1000; n++) client.write(`${head}\r\n`)
  client.write(`${head}connection: close\r\n\r\n`)
  await once(client, 'close')
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
})

test('a control plane leaves its state in order', async () => {
  const state = join(folder, 'state')
  const ended = start('control-plane', '--state', state, '--api-port', '0', '--xds-port', '0', '--join-port', '0')
  await readUntil(/./)
  while (!existsSync(join(state, 'mesh.json'))) await new Promise(resolve => setImmediate(resolve))
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  assert.equal(existsSync(join(state, 'mesh.json')), false)
})
