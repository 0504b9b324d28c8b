// The balancing policies that clusters may ask for.
import type { LoadBalancer, LoadBalancerFactory } from './contract/load-balancer.ts'
import { LEAST_REQUEST } from './least-request/factory.ts'
import { MAGLEV } from './maglev/factory.ts'
import { PeakEwmaBalancer } from './peak-ewma/peak-ewma-balancer.ts'
import { RANDOM } from './random/random-choice.ts'
import { RING_HASH } from './ring-hash/factory.ts'
import { ROUND_ROBIN } from './round-robin/factory.ts'

export const LOAD_BALANCERS: readonly LoadBalancerFactory[] = [ROUND_ROBIN, LEAST_REQUEST, RANDOM, RING_HASH, MAGLEV]

/** No `lb_policy` asks for it: it takes the place of LEAST_REQUEST where a cluster's metadata say so. */
export function balanceByResponseTime(decayMs: number): LoadBalancer {
  return new PeakEwmaBalancer(decayMs)
}
