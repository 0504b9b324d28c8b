// The wait of a start: listeners accept when endpoints have been checked for the first time, and only then is it known
// whether they could be bound.
import { setTimeout as delay } from 'node:timers/promises'
import { WARMING_TIMEOUT_MS } from '../data-plane/listener/listener-manager.ts'
import type { Proxy as DataPlaneProxy } from '../data-plane/proxy.ts'

const POLL_MS = 10

/** Not for longer than listeners wait. Keeps the process alive meanwhile. */
export async function checkedClusters({ clusters }: DataPlaneProxy): Promise<void> {
  const deadline = performance.now() + WARMING_TIMEOUT_MS
  while (!clusters.areChecked && performance.now() < deadline) await delay(POLL_MS)
}
