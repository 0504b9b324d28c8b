// What a pick costs, and what it costs to make a picker when endpoints change. Not a test:
// node --expose-gc src/data-plane/load-balancers/pick.bench.ts
import { Cluster_LbPolicy } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { LoadBalancer } from './contract/load-balancer.ts'
import { balanceByResponseTime } from './registry.ts'
import { asking, balancer, balancerHost, endpoint, pickerOf } from './testing/balanced.ts'

const PICKS = 2_000_000
const POLICIES: Readonly<Record<string, LoadBalancer>> = {
  'round robin': balancer({ lbPolicy: Cluster_LbPolicy.ROUND_ROBIN }),
  'least request': balancer({ lbPolicy: Cluster_LbPolicy.LEAST_REQUEST }),
  'ring hash': balancer({ lbPolicy: Cluster_LbPolicy.RING_HASH }),
  maglev: balancer({ lbPolicy: Cluster_LbPolicy.MAGLEV }),
  'peak EWMA': balanceByResponseTime(10_000),
}

for (const [name, policy] of Object.entries(POLICIES)) {
  const endpoints = Array.from({ length: 50 }, (_, i) => endpoint(i + 1))
  for (const one of endpoints) one.tracker = policy.createTracker?.() ?? null
  const began = performance.now()
  let picker = pickerOf(policy, endpoints, balancerHost())
  for (let i = 0; i < 9; i++) picker = pickerOf(policy, endpoints, balancerHost())
  const makeMs = (performance.now() - began) / 10
  const context = asking('user-1')
  for (let i = 0; i < 100_000; i++) picker.pick(context)
  globalThis.gc?.()
  const heap = process.memoryUsage().heapUsed
  const start = performance.now()
  for (let i = 0; i < PICKS; i++) picker.pick(context)
  const nanoseconds = ((performance.now() - start) / PICKS) * 1e6
  const bytes = (process.memoryUsage().heapUsed - heap) / PICKS
  console.log(
    `${name.padEnd(14)} ${nanoseconds.toFixed(0)} ns, ${bytes.toFixed(1)} B a pick; ${makeMs.toFixed(2)} ms to make`,
  )
}
