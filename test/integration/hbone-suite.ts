// For tests: workloads of a running mesh, reached by HBONE from a proxy that no control plane tells of them.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { credentials, makeClientConstructor } from '@grpc/grpc-js'
import { freePort } from '../../src/transport/net/testing/free-port.ts'
import { GREETER } from './protocol-mesh/greeter-service.ts'
import { eventually, type ProcessRow, RunningMesh } from './running-mesh.ts'

const root = join(import.meta.dirname, '../..')
const EXTENSION = 'type.googleapis.com/envoy.extensions'
const SERVICES = ['greeter', 'bytes', 'sockets'] as const
const STREAMS = 100

/** Where the client's proxy leads to: a port of a service, as the tunnel's authority names it. */
const TARGETS = {
  greeter: { service: 'greeter', port: 9001, certificate: true },
  bytes: { service: 'bytes', port: 9002, certificate: true },
  any: { service: 'bytes', port: 9003, certificate: true },
  http: { service: 'sockets', port: 9000, certificate: true },
  nowhere: { service: 'sockets', port: 9001, certificate: true },
  stranger: { service: 'sockets', port: 9000, certificate: false },
} as const
type Target = keyof typeof TARGETS

/** Of the mesh that the protocols are tested with, as its services' sidecars have ports for HBONE. */
function meshWith(envoys: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'weft-hbone-'))
  cpSync(join(import.meta.dirname, 'protocol-mesh'), directory, { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  const file = join(directory, 'weft.yaml')
  let text = readFileSync(file, 'utf8').replace('    replicas: 2\n', '')
  for (const service of SERVICES) {
    const proxy = envoys.includes(service) ? '    proxy: envoy\n' : ''
    text = text.replace(`- service: ${service}\n`, `$&    hbone: true\n${proxy}`)
  }
  writeFileSync(file, text)
  return directory
}

function address(port: number): JsonObject {
  return { socket_address: { address: '127.0.0.1', port_value: port } }
}

/** Tunnels to each target, each from a port of its own, under the identity in `folder`. */
function bootstrap(
  ports: ReadonlyMap<Target, number>,
  hbonePorts: ReadonlyMap<string, number>,
  folder: string,
): JsonObject {
  const inline = (file: string): JsonObject => ({ inline_string: readFileSync(join(folder, file), 'utf8') })
  const own = { tls_certificates: [{ certificate_chain: inline('cert.pem'), private_key: inline('key.pem') }] }
  // Each service's account has its name.
  const tls = (service: string, certificate: boolean): JsonObject => ({
    name: 'tls',
    typed_config: {
      '@type': `${EXTENSION}.transport_sockets.tls.v3.UpstreamTlsContext`,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
        alpn_protocols: ['h2'],
        ...(certificate ? own : {}),
        validation_context: {
          trusted_ca: inline('bundle.pem'),
          match_typed_subject_alt_names: [
            { san_type: 'URI', matcher: { exact: `spiffe://cluster.local/ns/default/sa/${service}` } },
          ],
        },
      },
    },
  })
  const targets = Object.entries(TARGETS)
  return {
    node: { id: 'client', cluster: 'client' },
    static_resources: {
      listeners: targets.map(([name, { port }]) => ({
        name,
        address: address(ports.get(name as Target)!),
        filter_chains: [
          {
            filters: [
              {
                name: 'tcp',
                typed_config: {
                  '@type': `${EXTENSION}.filters.network.tcp_proxy.v3.TcpProxy`,
                  stat_prefix: name,
                  cluster: name,
                  tunneling_config: { hostname: `127.0.0.1:${port}` },
                },
              },
            ],
          },
        ],
      })),
      clusters: targets.map(([name, { service, certificate }]) => ({
        name,
        connect_timeout: '20s',
        load_assignment: {
          cluster_name: name,
          endpoints: [{ lb_endpoints: [{ endpoint: { address: address(hbonePorts.get(service)!) } }] }],
        },
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            '@type': `${EXTENSION}.upstreams.http.v3.HttpProtocolOptions`,
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
        transport_socket: tls(service, certificate),
      })),
    },
  }
}

function startClient(kind: 'weft' | 'envoy', file: string): ChildProcess {
  const [program, args] =
    kind === 'weft'
      ? [process.execPath, [join(root, 'src/main/bin.ts'), 'proxy', '-c', file]]
      : [process.env['ENVOY']!, ['-c', file, '--concurrency', '1', '--use-dynamic-base-id', '--log-level', 'error']]
  return spawn(program, args, { cwd: root, stdio: 'ignore' })
}

/** `envoys`: services whose sidecar is one. */
export function testHbone(client: 'weft' | 'envoy', envoys: readonly string[]): void {
  let directory: string
  let mesh: RunningMesh
  let process: ChildProcess
  const ports = new Map<Target, number>()
  const sidecars = new Map<string, ProcessRow>()

  before(async () => {
    directory = meshWith(envoys)
    mesh = await RunningMesh.start(directory)
    for (const service of SERVICES)
      sidecars.set(service, await mesh.processNamed(({ name }) => name === `${service}-v1-0-proxy`))
    for (const target of Object.keys(TARGETS)) ports.set(target as Target, await freePort())
    const folder = dirname(globSync(join(mesh.state, '**/*caller-v1-0*/**/key.pem'))[0]!)
    const hbonePorts = new Map([...sidecars].map(([service, row]) => [service, row.ports['hbone']!]))
    const file = join(directory, 'client.json')
    writeFileSync(file, JSON.stringify(bootstrap(ports, hbonePorts, folder)), { mode: 0o600 })
    process = startClient(client, file)
    await eventually('the client listens', () => canConnect(ports.get('stranger')!))
  })
  after(async () => {
    if (process !== undefined && process.exitCode === null) {
      process.kill('SIGKILL')
      await once(process, 'close')
    }
    await mesh?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  function open(target: Target): Socket {
    const socket = connect({ port: ports.get(target)!, host: '127.0.0.1', allowHalfOpen: true })
    socket.setEncoding('latin1')
    socket.on('error', () => {})
    return socket
  }

  async function stat(service: string, name: string): Promise<number> {
    const { ports } = sidecars.get(service)!
    const text = await (await fetch(`http://127.0.0.1:${ports['admin']}/stats`)).text()
    return Number(
      new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('|', '\\|')}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0,
    )
  }

  test('HTTP goes through the inbound chain of its port', async () => {
    const socket = open('http')
    socket.write('GET /inside HTTP/1.1\r\nhost: sockets\r\nconnection: close\r\n\r\n')
    const text = await all(socket)
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(text, /\r\nserver: istio-envoy\r\n/i)
    assert.match(text, /GET \/inside HTTP\/1\.1/)
  })

  test('who calls is known inside the tunnel', async () => {
    const Client = makeClientConstructor(GREETER, 'Greeter')
    const greeter = new Client(`127.0.0.1:${ports.get('greeter')}`, credentials.createInsecure(), {
      'grpc.default_authority': 'greeter:9001',
      'grpc.enable_http_proxy': 0,
    })
    const said = await new Promise<{ readonly [key: string]: unknown }>((done, fail) =>
      greeter['greet']!({ name: 'ann' }, (error: Error | null, message: { readonly [key: string]: unknown }) =>
        error ? fail(error) : done(message),
      ),
    )
    greeter.close()
    assert.equal(said['text'], 'hello ann')
    // An Envoy's connection inside knows no certificate.
    if (envoys.includes('greeter')) assert.equal(said['certificate'], '')
    else assert.match(String(said['certificate']), /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/caller/)
  })

  test('bytes of either side come first, and each side ends by itself', async () => {
    const greeted = open('bytes')
    assert.equal(String(await once(greeted, 'data')), '220 ready\r\n')
    greeted.end('to the end')
    assert.equal(await all(greeted), 'to the end')
    const asked = open('any')
    asked.write('\0'.repeat(300_000))
    // An Envoy's internal listener closes a connection that is half-closed while its filters look at it.
    if (envoys.includes('bytes')) asked.once('data', () => asked.end())
    else asked.end()
    assert.equal((await all(asked)).length, 300_000)
  })

  test('a port that the workload has not, and a client without a certificate, get no byte', async () => {
    for (const target of ['nowhere', 'stranger'] as const) {
      const socket = open(target)
      socket.write('GET / HTTP/1.1\r\nhost: sockets\r\n\r\n')
      socket.on('end', () => socket.end())
      assert.equal(await all(socket), '', target)
    }
  })

  test('many streams of one connection, and none is lost when config changes', async () => {
    const sockets = Array.from({ length: STREAMS }, () => open('any'))
    const hears = async (socket: Socket): Promise<void> => {
      // Without a space and a line's end an Envoy would wait for them: the first word could be a method.
      socket.write('hello there\r\n')
      assert.equal(String(await once(socket, 'data')), 'hello there\r\n')
    }
    await Promise.all(sockets.map(hears))
    const { code, stderr } = await mesh.apply(RATE_LIMIT)
    assert.equal(code, 0, stderr)
    await eventually(
      'the inbound chains are others',
      async () => (await stat('bytes', 'listener_manager.listener_modified')) >= 2,
    )
    const sizes = await Promise.all(
      sockets.map(async (socket, index) => {
        socket.end('y'.repeat(index * 100))
        return (await all(socket)).length
      }),
    )
    assert.deepEqual(
      sizes,
      sockets.map((_, index) => index * 100),
    )
    const { hbone } = sidecars.get('bytes')!.ports
    const another = open('any')
    await hears(another)
    another.destroy()
    assert.equal(await stat('bytes', `listener.127.0.0.1_${hbone}.downstream_cx_total`), 2, 'one for each cluster')
  })
}

/** It is a filter in the inbound chains of HTTP. */
const RATE_LIMIT = `apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: { name: bytes, namespace: default }
spec:
  selector: { matchLabels: { app: bytes } }
  scope: local
  rules: [{ limit: { requests: 1, per: day } }]
`

async function all(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  await new Promise<void>(done => {
    socket.once('end', done)
    socket.once('close', () => done())
  })
  socket.destroy()
  return text
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const connected = await new Promise<boolean>(done => {
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })
  socket.destroy()
  return connected
}
