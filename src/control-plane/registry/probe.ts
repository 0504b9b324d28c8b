// One health check of one instance: a connection that opens, a GET answered with 2xx or 3xx, or gRPC's health service.
import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { Network } from '../../transport/net/network.ts'
import { GrpcProbe } from './grpc-probe.ts'

export type ProbeCheck =
  | { readonly kind: 'tcp' }
  | { readonly kind: 'http'; readonly path: string }
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
      else getPath(socket, target, check.path, finish)
    })
  })
}

function getPath(
  socket: Socket,
  target: ProbeTarget,
  path: string,
  finish: (healthy: boolean, detail: string) => void,
): void {
  let head = ''
  socket.on('data', chunk => {
    head += chunk.toString('latin1')
    if (head.length < STATUS_LINE_LENGTH) return
    const status = Number(STATUS_LINE.exec(head)?.[1] ?? 0)
    finish(status >= 200 && status < 400, status === 0 ? 'not HTTP' : `status ${status}`)
  })
  const host = authorityOf(target)
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: weft-health-check\r\nconnection: close\r\n\r\n`)
}

function authorityOf({ address, port }: ProbeTarget): string {
  return `${address}:${port}`
}
