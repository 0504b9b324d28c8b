// One health check of one instance: a connection that opens, or a GET answered with 2xx or 3xx.
import type { Clock } from '../../base/clock.ts'
import type { Network } from '../../transport/net/network.ts'

export interface ProbeTarget {
  readonly address: string
  readonly port: number
  /** Null: TCP only. */
  readonly path: string | null
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
    let head = ''
    socket.on('error', (error: NodeJS.ErrnoException) => finish(false, error.code ?? error.message))
    socket.on('close', () => finish(false, 'connection closed before an answer'))
    socket.once('connect', () => {
      if (target.path === null) finish(true, 'connected')
      else socket.write(requestOf(target, target.path))
    })
    socket.on('data', chunk => {
      head += chunk.toString('latin1')
      if (head.length < STATUS_LINE_LENGTH) return
      const status = Number(STATUS_LINE.exec(head)?.[1] ?? 0)
      finish(status >= 200 && status < 400, status === 0 ? 'not HTTP' : `status ${status}`)
    })
  })
}

function requestOf(target: ProbeTarget, path: string): string {
  const host = `${target.address}:${target.port}`
  return `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: weft-health-check\r\nconnection: close\r\n\r\n`
}
