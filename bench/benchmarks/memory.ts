// Resident memory of a sidecar with Bookinfo's config from the control plane: idle, then at 1 000 requests a second.
import { setTimeout as sleep } from 'node:timers/promises'
import { BookinfoMesh, type MeshProxy } from '../contestants/bookinfo-mesh.ts'
import type { Benchmark, Run } from '../harness/benchmark.ts'
import { ALL_CORES } from '../harness/cores.ts'
import { missingPeer } from '../harness/peer.ts'
import { costOf } from '../harness/process-cost.ts'
import { temporaryFolder } from '../harness/under-load.ts'
import { fortio } from '../load/fortio.ts'

const REQUESTS_PER_SECOND = 1000
const SETTLE_MS = 5000
const DETAILS = 'details.default.svc.cluster.local:9080'

export const memory: Benchmark = {
  name: 'memory',
  summary: `a sidecar's resident memory with Bookinfo's config: idle, and at ${REQUESTS_PER_SECOND} requests/s`,
  figures: [
    'residentMegabytes',
    'ownMegabytes',
    'residentIdleMegabytes',
    'cpuMicrosecondsPerRequest',
    'requests',
    'p99',
  ],
  compares: 'residentMegabytes',
  defaults: { seconds: 20 },
  async prepare({ connections, seconds, only }) {
    const missing = missingPeer('envoy')
    if (missing !== undefined) throw new Error(missing)
    const run = (kind: MeshProxy): Run => ({
      contestant: kind,
      case: '',
      // A mesh of its own each time: a proxy that has been under load is never idle again as it was at first.
      measure: async () => {
        await using release = new AsyncDisposableStack()
        const mesh = await BookinfoMesh.start(temporaryFolder('mesh', release), release)
        const { pid, outboundPort } = await mesh.sidecar(kind)
        await sleep(SETTLE_MS)
        const idle = costOf(pid)
        const target = { scheme: 'http', port: outboundPort, path: '/details/0' } as const
        const load = {
          cores: ALL_CORES,
          connections,
          seconds,
          requestsPerSecond: REQUESTS_PER_SECOND,
          authority: DETAILS,
        }
        const result = await fortio(target, load)
        const loaded = costOf(pid)
        if (result.errors > 0) throw new Error(`${result.errors} errors in ${result.requests} requests`)
        return {
          residentMegabytes: loaded.residentMegabytes,
          ownMegabytes: loaded.ownMegabytes,
          residentIdleMegabytes: idle.residentMegabytes,
          cpuMicrosecondsPerRequest: (loaded.cpuMicroseconds - idle.cpuMicroseconds) / result.requests,
          requests: result.requests,
          requestsPerSecond: result.requests / result.seconds,
          p50: result.p50,
          p90: result.p90,
          p99: result.p99,
          max: result.max,
        }
      },
    })
    return (['weft', 'envoy'] as const).filter(kind => only.length === 0 || only.includes(kind)).map(run)
  },
}
