// One health check of one instance: a connection that opens, a GET answered with 2xx or 3xx, or gRPC's health service.
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import type { Network } from '../../transport/net/network.ts'
import { GrpcProbe } from './grpc-probe.ts'

export type ProbeCheck =
  | { readonly kind: 'tcp' }
  | {
      readonly kind: 'http'
      readonly path: string
      readonly tls: boolean
      readonly headers: readonly { readonly name: string; readonly value: string }[]
    }
  /** `service`: empty for the server as a whole. */
  | { readonly kind: 'grpc'; readonly service: string }

export interface ProbeTarget {
  readonly address: string
  readonly port: number
  readonly check: ProbeCheck
  readonly timeoutMs: number
}

export interface ProbeResult {
  readonly healthy: boolean
  /** `status 503`, `connection refused`, `timeout`. */
  readonly detail: string
}

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})/
const STATUS_LINE_LENGTH = 12

/** Never rejects. The socket is gone when it resolves. */
export function probe(network: Network, clock: Clock, target: ProbeTarget): Promise<ProbeResult> {
  return new Promise(resolve => {
    const socket = network.connect(target.address, target.port)
    const finish = (healthy: boolean, detail: string): void => {
      timer.cancel()
      socket.destroy()
      resolve({ healthy, detail })
    }
    const timer = clock.setTimer(target.timeoutMs, () => finish(false, 'timeout'))
    socket.on('error', (error: NodeJS.ErrnoException) => finish(false, error.code ?? error.message))
    socket.on('close', () => finish(false, 'connection closed before an answer'))
    socket.once('connect', () => {
      const { check } = target
      if (check.kind === 'tcp') finish(true, 'connected')
      else if (check.kind === 'grpc') new GrpcProbe(check.service, finish).start(socket, authorityOf(target))
      else if (check.tls) {
        const secured = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
        secured.on('error', (error: NodeJS.ErrnoException) => finish(false, error.code ?? error.message))
        secured.once('secureConnect', () => getPath(secured, target, check, finish))
      } else getPath(socket, target, check, finish)
    })
  })
}

function getPath(
  socket: Socket,
  target: ProbeTarget,
  { path, headers }: ProbeCheck & { readonly kind: 'http' },
  finish: (healthy: boolean, detail: string) => void,
): void {
  let head = ''
  socket.on('data', chunk => {
    head += chunk.toString('latin1')
    if (head.length < STATUS_LINE_LENGTH) return
    const status = Number(STATUS_LINE.exec(head)?.[1] ?? 0)
    finish(status >= 200 && status < 400, status === 0 ? 'not HTTP' : `status ${status}`)
  })
  const fields = new Map([
    ['host', authorityOf(target)],
    ['user-agent', 'weft-health-check'],
  ])
  for (const { name, value } of headers) fields.set(name, value)
  const lines = [...fields].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`GET ${path} HTTP/1.1\r\n${lines}connection: close\r\n\r\n`)
}

function authorityOf({ address, port }: ProbeTarget): string {
  return `${address}:${port}`
}
