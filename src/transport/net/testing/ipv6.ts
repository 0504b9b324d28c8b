// For tests: whether this machine has IPv6 on its loopback; in many a container it is switched off.
import { networkInterfaces } from 'node:os'

const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? [])

/** Of a test's `skip`: why it cannot be done here, or false. */
export const WITHOUT_IPV6 = addresses.some(({ address }) => address === '::1') ? false : 'this machine has no IPv6'
