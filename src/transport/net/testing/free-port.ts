// For tests: a port for a process under test to bind in its own time, or for nobody to; the system gives it to none.
import { createSocket } from 'node:dgram'
import { systemNetwork } from '../system-network.ts'

/** Below every system's ephemeral range, where port 0 and the near ends of connections come from, and a launcher's ports. */
const PORTS = { first: 16_000, count: 4_000 } as const

let next = Math.floor(Math.random() * PORTS.count)

/** To be had once, also of test files that run beside one another. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS.count; tries++) {
    const port = PORTS.first + (next++ % PORTS.count)
    if (!(await claim(port))) continue
    const probe = await systemNetwork.listen('127.0.0.1', port, () => {}).catch(() => null)
    if (probe === null) continue
    await probe.close()
    return port
  }
  throw new Error('every port is taken')
}

/** Until this process ends it has the same port of UDP, where it is in nobody's way. */
function claim(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  return new Promise(resolve => {
    socket.once('error', () => {
      socket.close()
      resolve(false)
    })
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => {
      socket.unref()
      resolve(true)
    })
  })
}
