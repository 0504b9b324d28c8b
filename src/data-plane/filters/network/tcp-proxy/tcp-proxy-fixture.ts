// For tests: the TCP proxy on a real socket, and upstream servers that do as they are told.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { Clock } from '../../../../base/clock.ts'
import { packAny } from '../../../../xds/any-pack.ts'
import { TcpProxySchema } from '../../../../xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import type { Cluster } from '../../../cluster/cluster.ts'
import type { ConnectionInfo } from '../../../connection-info.ts'
import { connectionInfo, FakeStats, fakeHost } from '../../../http/testing/fake-proxy.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import { TCP_PROXY } from './factory.ts'
import type { TcpProxyFilter } from './filter.ts'

export interface TestProxy {
  readonly port: number
  readonly filter: TcpProxyFilter
  readonly stats: FakeStats
  readonly logs: StreamInfo[]
  readonly sockets: Socket[]
  /** The next access log entry. */
  logged(): Promise<StreamInfo>
  close(): void
}

export interface TestProxyOptions {
  readonly clusters?: readonly Cluster[]
  readonly config?: MessageInitShape<typeof TcpProxySchema>
  readonly clock?: Clock
  readonly info?: Partial<ConnectionInfo>
  readonly onLog?: (info: StreamInfo) => void
}

export const LOG = { name: 'log', configType: { case: 'typedConfig' as const, value: { typeUrl: 'log' } } }

export function compileTcp(options: TestProxyOptions, stats = new FakeStats(), logs: StreamInfo[] = []) {
  const message = create(TcpProxySchema, {
    statPrefix: 'test',
    clusterSpecifier: { case: 'cluster', value: options.clusters?.[0]?.name ?? 'none' },
    accessLog: [LOG],
    ...options.config,
  })
  const { config: _, ...host } = options
  return TCP_PROXY.compile(packAny(TcpProxySchema, message), 'tcp', fakeHost(host, stats, logs))
}

export async function startTcpProxy(options: TestProxyOptions): Promise<TestProxy> {
  const stats = new FakeStats()
  const waiting: ((info: StreamInfo) => void)[] = []
  const entries: StreamInfo[] = []
  const logs: StreamInfo[] = []
  const onLog = (info: StreamInfo): void => {
    logs.push(info)
    const next = waiting.shift()
    if (next) next(info)
    else entries.push(info)
  }
  const compiled = compileTcp({ ...options, onLog }, stats)
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems))
  const filter = compiled.value as TcpProxyFilter
  const sockets: Socket[] = []
  const server = createServer({ noDelay: true }, socket => {
    sockets.push(socket)
    filter.onConnection(socket, connectionInfo(1, socket, options.info), null)
  })
  const port = await listen(server)
  return {
    port,
    filter,
    stats,
    logs,
    sockets,
    logged() {
      const entry = entries.shift()
      return entry ? Promise.resolve(entry) : new Promise(resolve => waiting.push(resolve))
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

export interface TestUpstream {
  readonly port: number
  readonly sockets: Socket[]
  close(): void
}

/** Half-open connections are allowed: the handler ends its own direction. */
export async function startUpstream(onConnection: (socket: Socket) => void): Promise<TestUpstream> {
  const sockets: Socket[] = []
  const server = createServer({ noDelay: true, allowHalfOpen: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  const port = await listen(server)
  return {
    port,
    sockets,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Every byte back, and the FIN. */
export const echo = (socket: Socket): void => void socket.pipe(socket)

export function dial(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  socket.on('error', () => {})
  return socket
}

/** All that comes until the FIN, and how it ended: `end` for a FIN, else the error. */
export async function readAll(socket: Socket): Promise<{ text: string; end: string }> {
  let text = ''
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
  })
  const end = await new Promise<string>(resolve => {
    socket.once('end', () => resolve('end'))
    socket.once('error', error => resolve((error as NodeJS.ErrnoException).code ?? 'error'))
    socket.once('close', () => resolve('closed'))
  })
  return { text, end }
}

/** The next `length` bytes. */
export async function read(socket: Socket, length: number): Promise<string> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null
    if (bytes !== null) return bytes.toString('latin1')
    await once(socket, 'readable')
  }
}

/** Lets the event loop turn until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve))
}
