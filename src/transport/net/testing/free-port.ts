// For tests: a port for a process under test to bind in its own time, or for nobody to; the system gives it to none.
import { systemNetwork } from '../system-network.ts'

/** Below every system's ephemeral range, where port 0 and the near ends of connections come from, and a launcher's ports. */
const PORTS = { first: 16_000, count: 4_000 } as const

let next = Math.floor(Math.random() * PORTS.count)

/** Never the same twice in one process; test files that run beside one another begin in places of their own. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS.count; tries++) {
    const port = PORTS.first + (next++ % PORTS.count)
    const probe = await systemNetwork.listen('127.0.0.1', port, () => {}).catch(() => null)
    if (probe === null) continue
    await probe.close()
    return port
  }
  throw new Error('every port is taken')
}
