// For tests: what ports speak besides HTTP/1.1, through two sidecars with mutual TLS between them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  type ClientReadableStream,
  credentials,
  type Metadata,
  makeClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { GREETER } from './protocol-mesh/greeter-service.ts'
import { RunningMesh } from './running-mesh.ts'
import { ask } from './steady-load.ts'

type Message = Readonly<Record<string, unknown>>

const GreeterClient = makeClientConstructor(GREETER, 'Greeter')

/** The mesh of protocols, with an Envoy for the sidecar of some of its services. */
function meshWith(envoys: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'weft-protocols-'))
  cpSync(join(import.meta.dirname, 'protocol-mesh'), directory, { recursive: true })
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(directory, 'node_modules'))
  const file = join(directory, 'weft.yaml')
  let text = readFileSync(file, 'utf8')
  for (const service of envoys) text = text.replace(`- service: ${service}\n`, `$&    proxy: envoy\n`)
  writeFileSync(file, text)
  return directory
}

export function testProtocols(envoys: readonly string[]): void {
  const clients: InstanceType<typeof GreeterClient>[] = []
  let directory: string
  let mesh: RunningMesh
  /** Where the caller's HTTP_PROXY points. */
  let proxyPort: number
  let greeter: InstanceType<typeof GreeterClient>

  before(async () => {
    directory = meshWith(envoys)
    mesh = await RunningMesh.start(directory)
    const sidecar = await mesh.processNamed(({ name }) => name === 'caller-v1-0-proxy')
    proxyPort = sidecar.ports['http-proxy']!
    greeter = clientOf(proxyPort, 'greeter:9001')
  })
  after(async () => {
    for (const client of clients) client.close()
    await mesh?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  /** HTTP/2 in plaintext to `port`, about `authority`. */
  function clientOf(port: number, authority: string): InstanceType<typeof GreeterClient> {
    const client = new GreeterClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.default_authority': authority,
      'grpc.enable_http_proxy': 0,
    })
    clients.push(client)
    return client
  }

  interface Answer {
    readonly message: Message | undefined
    readonly error: ServiceError | null
    readonly trailers: Metadata
  }

  function greet(client: InstanceType<typeof GreeterClient>, name: string): Promise<Answer> {
    return new Promise(done => {
      let trailers: Metadata
      const call = client['greet']!({ name }, (error: ServiceError | null, message: Message | undefined) =>
        setImmediate(() => done({ message, error, trailers })),
      )
      call.on('status', (end: { metadata: Metadata }) => {
        trailers = end.metadata
      })
    })
  }

  async function collect(stream: ClientReadableStream<Message>): Promise<Message[]> {
    const messages: Message[] = []
    for await (const message of stream) messages.push(message)
    return messages
  }

  test('a unary call arrives under the caller’s identity, and its trailers come back', async () => {
    const { message, error, trailers } = await greet(greeter, 'ann')
    assert.equal(error, null)
    assert.equal(message?.['text'], 'hello ann')
    assert.match(String(message?.['certificate']), /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/caller/)
    assert.match(String(trailers.get('greeted-by')[0]), /^greeter-v1-\d$/)
  })

  test('calls of one connection are balanced one by one', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => greet(greeter, 'ann')))
    const instances = new Set(answers.map(({ trailers }) => String(trailers.get('greeted-by')[0])))
    assert.deepEqual([...instances].sort(), ['greeter-v1-0', 'greeter-v1-1'])
  })

  test('a stream of the server, of the client, and of both', async () => {
    assert.deepEqual(await collect(greeter['count']!({ to: 3 })), [{ n: 1 }, { n: 2 }, { n: 3 }])
    const total = await new Promise<Message>((done, fail) => {
      const call = greeter['sum']!((error: ServiceError | null, message: Message) =>
        error ? fail(error) : done(message),
      )
      for (const n of [1, 2, 3]) call.write({ n })
      call.end()
    })
    assert.deepEqual(total, { sum: 6 })
    const chat = greeter['chat']!()
    for (const text of ['first', 'second']) {
      chat.write({ text })
      const [answer] = await once(chat, 'data')
      assert.deepEqual(answer, { text: text.toUpperCase() }, 'before the client has said all')
    }
    chat.end()
    await once(chat, 'end')
  })

  test('the status, message and metadata of a call that the service refuses', async () => {
    const { error } = await greet(greeter, 'nobody')
    assert.equal(error?.code, status.NOT_FOUND)
    assert.equal(error?.details, 'nobody is not here')
    assert.deepEqual(error?.metadata.get('reason'), ['no such person'])
  })

  test('what the mesh itself refuses has a status too', async () => {
    const { error } = await greet(clientOf(proxyPort, 'absent:9001'), 'ann')
    assert.equal(error?.code, status.UNAVAILABLE)
    assert.match(error?.details ?? '', /no healthy upstream/)
  })

  test('the deadline that a call carries is kept by the mesh', async () => {
    const session = connectHttp2(`http://127.0.0.1:${proxyPort}`)
    const stream = session.request({
      ':method': 'POST',
      ':path': '/greeter.Greeter/Greet',
      ':authority': 'greeter:9001',
      'content-type': 'application/grpc',
      'grpc-timeout': '200m',
      te: 'trailers',
    })
    const body = Buffer.from('{"name":"silence"}')
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]))
    const [headers] = await once(stream, 'response')
    session.destroy()
    assert.equal(headers['grpc-status'], String(status.DEADLINE_EXCEEDED))
  })

  test('a gateway takes gRPC as well', async () => {
    const { message, error } = await greet(clientOf(Number(new URL(mesh.gateway).port), 'greeter.example.com'), 'bob')
    assert.equal(error, null)
    assert.equal(message?.['text'], 'hello bob')
  })

  /** CONNECT to the caller's proxy port: the status, and the socket behind it. */
  async function tunnel(target: string): Promise<{ status: number; socket: Socket; head: Buffer }> {
    const asked = request({ host: '127.0.0.1', port: proxyPort, method: 'CONNECT', path: target, agent: false }).end()
    const [response, socket, head] = (await once(asked, 'connect')) as [IncomingMessage, Socket, Buffer]
    return { status: response.statusCode ?? 0, socket, head }
  }

  /** Says something and reads until `expected` bytes have come; then hangs up. */
  async function exchange(socket: Socket, head: Buffer, text: string | Buffer, expected: number): Promise<string> {
    socket.write(text)
    const chunks = [head]
    for (let size = head.length; size < expected; size += chunks.at(-1)!.length) {
      const [chunk] = await once(socket, 'data')
      chunks.push(chunk)
    }
    socket.destroy()
    return Buffer.concat(chunks).toString('latin1')
  }

  test('bytes go through CONNECT, from a server that speaks first too, whatever the port is declared as', async () => {
    for (const [target, expected] of [
      ['bytes:9002', '220 ready\r\nhello'],
      ['bytes.default.svc.cluster.local:9003', 'hello'],
    ] as const) {
      const { status: code, socket, head } = await tunnel(target)
      assert.equal(code, 200)
      assert.equal(await exchange(socket, head, 'hello', expected.length), expected, target)
    }
  })

  test('on a port of undeclared protocol a request is a request, and bytes are bytes', async () => {
    const response = await fetchByProxy('http://sockets:9010/path')
    assert.equal(response, 'GET /path HTTP/1.1')
    const { socket, head } = await tunnel('sockets:9010')
    const answer = await exchange(socket, head, 'GET /inside HTTP/1.1\r\nhost: sockets\r\n\r\n', 100)
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    assert.doesNotMatch(answer, /x-envoy/, 'no proxy has looked inside')
  })

  async function fetchByProxy(url: string): Promise<string> {
    const asked = request({ host: '127.0.0.1', port: proxyPort, path: url, headers: { host: new URL(url).host } }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of response) text += chunk
    return text
  }

  test('CONNECT reaches what no registry knows, as the mesh allows any', async () => {
    const server = createServer({ allowHalfOpen: true }, socket => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { status: code, socket, head } = await tunnel(`127.0.0.1:${(server.address() as AddressInfo).port}`)
    assert.equal(code, 200)
    assert.equal(await exchange(socket, head, 'outside', 7), 'outside')
    server.close()
  })

  test('a WebSocket is upgraded through both sidecars', async () => {
    const asked = request({
      host: '127.0.0.1',
      port: proxyPort,
      path: 'http://sockets:9000/',
      headers: {
        host: 'sockets:9000',
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    }).end()
    const [response, socket, head] = (await once(asked, 'upgrade')) as [IncomingMessage, Socket, Buffer]
    assert.equal(response.statusCode, 101)
    assert.equal(response.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    const frame = Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x69, 0x6b])
    assert.equal(await exchange(socket, head, frame, frame.length), frame.toString('latin1'))
  })

  test('an upgraded HTTP port is HTTP/2 between the sidecars and HTTP/1.1 at its ends, and still takes bytes', async () => {
    const { code, stderr } = await mesh.apply(
      `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: sockets }
spec: { host: sockets, trafficPolicy: { connectionPool: { http: { h2UpgradePolicy: UPGRADE } } } }
`,
      '--wait',
    )
    assert.equal(code, 0, stderr)
    assert.equal(await fetchByProxy('http://sockets:9000/upgraded'), 'GET /upgraded HTTP/1.1')
    const { ports } = await mesh.processNamed(({ name }) => name === 'sockets-v1-0-proxy')
    const { body } = await ask(`http://127.0.0.1:${ports['admin']}/stats?filter=downstream_cx_http2_total`)
    assert.match(body, /inbound_127[^\n]*downstream_cx_http2_total: [1-9]/)
    const { socket, head } = await tunnel('sockets:9000')
    const answer = await exchange(socket, head, 'GET /inside HTTP/1.1\r\nhost: sockets\r\n\r\n', 100)
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  })

  test('a PERMISSIVE port tells plaintext bytes, plaintext HTTP and mutual TLS apart', async () => {
    const permissive = (app: string) => `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ${app} }
spec: { selector: { matchLabels: { app: ${app} } }, mtls: { mode: PERMISSIVE } }
---
`
    const { code, stderr } = await mesh.apply(permissive('bytes') + permissive('sockets'), '--wait')
    assert.equal(code, 0, stderr)
    const [bytes, sockets] = await Promise.all(
      ['bytes', 'sockets'].map(app => mesh.processNamed(({ name }) => name === `${app}-v1-0-proxy`)),
    )
    const direct = connect(bytes!.ports['9003']!, '127.0.0.1')
    assert.equal(await exchange(direct, Buffer.alloc(0), '\0 plain bytes', 13), '\0 plain bytes')
    const asked = request({ host: '127.0.0.1', port: sockets!.ports['9010']!, path: '/plain', agent: false }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    assert.equal(response.headers['server'], 'istio-envoy')
    response.resume()
    const { socket, head } = await tunnel('bytes:9003')
    assert.equal(await exchange(socket, head, 'by mutual TLS', 13), 'by mutual TLS')
  })
}
