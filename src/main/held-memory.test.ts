// One side of a real proxy stands still while the other offers 256 MB: what the process keeps of them.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, get, type IncomingMessage, request } from 'node:http'
import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, afterEach, test } from 'node:test'

const PROGRAM = join(import.meta.dirname, '../../bin/weft.js')
const OFFERED_BYTES = 256 * 1024 * 1024
/** Above what the process needs without them: buffers, and what the collector has not come to as yet. */
const MAX_HELD_BYTES = 64 * 1024 * 1024
const PIECE = Buffer.alloc(64 * 1024, 'x')

const folder = mkdtempSync(join(tmpdir(), 'weft-held-'))
after(() => rmSync(folder, { recursive: true }))
let child: ChildProcess
afterEach(() => void child.kill('SIGKILL'))

function offer(): Readable {
  let left = OFFERED_BYTES / PIECE.length
  return new Readable({
    read() {
      this.push(left-- > 0 ? PIECE : null)
    },
  })
}

class Counted extends Writable {
  bytes = 0

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.bytes += chunk.length
    done()
  }
}

const LOOPBACK = (port: number): string => `{ socket_address: { address: 127.0.0.1, port_value: ${port} } }`
const BOOTSTRAP = (upstream: number): string => `
admin: { address: ${LOOPBACK(0)} }
static_resources:
  listeners:
    - name: one
      address: ${LOOPBACK(0)}
      filter_chains:
        - filters:
            - name: http
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: front
                route_config:
                  name: local
                  virtual_hosts: [{ name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }] }]
                http_filters:
                  - name: router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
    - name: app
      type: STATIC
      load_assignment:
        cluster_name: app
        endpoints: [{ lb_endpoints: [{ endpoint: { address: ${LOOPBACK(upstream)} } }] }]
`

async function ask(port: number, path: string): Promise<string> {
  const [response] = (await once(get({ host: '127.0.0.1', port, path, agent: false }), 'response')) as [IncomingMessage]
  return (await response.setEncoding('utf8').toArray()).join('')
}

async function start(upstream: number): Promise<{ port: number; adminPort: number }> {
  const file = join(folder, 'bootstrap.yaml')
  writeFileSync(file, BOOTSTRAP(upstream))
  child = spawn(process.execPath, [PROGRAM, 'proxy', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  for await (const text of child.stderr!.iterator({ destroyOnReturn: false })) {
    log += text
    if (/ live .*\n/.test(log)) break
  }
  child.stderr!.resume()
  const adminPort = Number(/admin=(\d+)/.exec(log)?.[1])
  return { port: Number(/:(\d+)\n/.exec(await ask(adminPort, '/listeners'))?.[1]), adminPort }
}

function residentBytes(): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(child.pid)], { encoding: 'utf8' })) * 1024
}

/** Waits until a counter of the proxy has stood still for a good many answers. */
async function standsStill(adminPort: number, stat: string): Promise<void> {
  let last = ''
  for (let still = 0; still < 100; ) {
    const now = /: (\d+)/.exec(await ask(adminPort, `/stats?filter=^${stat.replaceAll('.', '%5C.')}$`))?.[1] ?? ''
    assert.notEqual(now, '', stat)
    still = now === last && now !== '0' ? still + 1 : 0
    last = now
  }
}

interface Exchange {
  /** Which of the proxy's counters of bytes taken grows. */
  readonly stat: string
  /** Offers all of it to a side that takes none; resolves with what begins to take it, and counts it. */
  begin(port: number): Promise<() => Promise<number>>
}

const held: IncomingMessage[] = []

async function receive(source: Readable): Promise<number> {
  const sink = new Counted()
  await pipeline(source, sink)
  return sink.bytes
}

const EXCHANGES: Readonly<Record<string, Exchange>> = {
  'a client that does not read, HTTP/1.1': {
    stat: 'cluster.app.upstream_cx_rx_bytes_total',
    async begin(port) {
      const [response] = await once(get({ host: '127.0.0.1', port, path: '/', agent: false }), 'response')
      return () => receive(response)
    },
  },
  'a client that does not read, HTTP/2': {
    stat: 'cluster.app.upstream_cx_rx_bytes_total',
    async begin(port) {
      const session = connectHttp2(`http://127.0.0.1:${port}`)
      const stream: ClientHttp2Stream = session.request({ ':path': '/' })
      await once(stream, 'response')
      return () => receive(stream).finally(() => session.close())
    },
  },
  'an application that does not read': {
    stat: 'http.front.downstream_cx_rx_bytes_total',
    async begin(port) {
      const upload = request({ host: '127.0.0.1', port, path: '/hold', method: 'POST', agent: false })
      offer().pipe(upload)
      while (held.length === 0) await new Promise(resolve => setImmediate(resolve))
      const answered = once(upload, 'response')
      return async () => {
        const bytes = await receive(held[0]!)
        await answered
        return bytes
      }
    },
  },
}

for (const [name, { stat, begin }] of Object.entries(EXCHANGES)) {
  test(`${name}: little is kept, and then all of it arrives`, async t => {
    const application = createServer((incoming, response) => {
      if (incoming.url === '/warm') response.end('x')
      else if (incoming.url === '/hold') held.push(incoming.once('end', () => response.end()))
      else offer().pipe(response)
    }).listen(0, '127.0.0.1')
    t.after(() => void application.close().closeAllConnections())
    await once(application, 'listening')
    const { port, adminPort } = await start((application.address() as AddressInfo).port)
    await ask(port, '/warm')
    const before = residentBytes()
    const takeAll = await begin(port)
    await standsStill(adminPort, stat)
    const kept = residentBytes() - before
    assert.ok(kept < MAX_HELD_BYTES, `${kept} bytes more than before`)
    assert.equal(await takeAll(), OFFERED_BYTES)
  })
}
