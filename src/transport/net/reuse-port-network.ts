// The operating system's TCP, for event loops of one process that listen on the same addresses: the kernel spreads
// connections over them (SO_REUSEPORT).
import type { Network } from './network.ts'
import { listenOn, placeOf, systemNetwork } from './system-network.ts'

export const reusePortNetwork: Network = {
  ...systemNetwork,
  listen(address, port, onConnection) {
    // Each loop would get another one.
    if (port === 0) return Promise.reject(new Error('port 0 cannot be shared: --concurrency above 1 needs a number'))
    return listenOn({ ...placeOf(address, port), reusePort: true }, onConnection)
  },
}
