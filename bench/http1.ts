// HTTP/1.1, plaintext, one kilobyte, 64 keep-alive connections: what one proxy costs per request, side by side.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPeer, peerNamed } from '../scripts/peers.ts'
import { accepting, freePort } from './child.ts'
import type { Contestant } from './contestants/contestant.ts'
import { envoy } from './contestants/envoy.ts'
import { haproxy } from './contestants/haproxy.ts'
import { nginx, startUpstream } from './contestants/nginx.ts'
import { weft } from './contestants/weft.ts'
import type { Figures, RunOptions } from './figures.ts'
import { load } from './load.ts'
import { costOf } from './process-cost.ts'

const CONTESTANTS: readonly Contestant[] = [weft, envoy, nginx, haproxy]
const CONNECTIONS = 64
/** A sidecar routes by it; the others take any. */
const AUTHORITY = 'upstream.default.svc.cluster.local:9080'
const WARM_UP_SECONDS = 3

async function measure(contestant: Contestant, upstreamPort: number, wrk: string, seconds: number): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), `weft-bench-${contestant.name}-`))
  const port = await freePort()
  const child = contestant.start(directory, port, upstreamPort)
  try {
    await accepting(port)
    const url = `http://127.0.0.1:${port}/`
    await load(wrk, url, AUTHORITY, CONNECTIONS, WARM_UP_SECONDS)
    const before = costOf(child.pid)
    const result = await load(wrk, url, AUTHORITY, CONNECTIONS, seconds)
    const after = costOf(child.pid)
    if (result.errors > 0 || result.requests === 0)
      throw new Error(`${contestant.name}: ${result.errors} errors in ${result.requests} requests`)
    return {
      name: contestant.name,
      cpuMicrosecondsPerRequest: (after.cpuMicroseconds - before.cpuMicroseconds) / result.requests,
      requests: result.requests,
      p50: result.p50,
      p90: result.p90,
      p99: result.p99,
      residentMegabytes: after.residentMegabytes,
    }
  } finally {
    await child.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Every contestant once a round, in turn, so that a slow minute of the machine falls on all of them. */
export async function http1(options: RunOptions): Promise<Figures[][]> {
  const wrk = findPeer(peerNamed('wrk'), false)
  if (wrk === undefined) throw new Error('wrk is not installed (apt-get install wrk, or WRK=path)')
  const missing = nginx.missing()
  if (missing !== undefined) throw new Error(`${missing}: it is the upstream of this benchmark`)
  const present = CONTESTANTS.filter(contestant => {
    const why = contestant.missing()
    if (why !== undefined) options.say(`without ${contestant.name}: ${why}`)
    return why === undefined && (options.only.length === 0 || options.only.includes(contestant.name))
  })
  const directory = mkdtempSync(join(tmpdir(), 'weft-bench-upstream-'))
  const upstreamPort = await freePort()
  const upstream = startUpstream(directory, upstreamPort)
  const rounds: Figures[][] = []
  try {
    await accepting(upstreamPort)
    for (let round = 1; round <= options.rounds; round++) {
      const figures: Figures[] = []
      for (const contestant of present) {
        options.say(`round ${round} of ${options.rounds}: ${contestant.name}`)
        figures.push(await measure(contestant, upstreamPort, wrk, options.seconds))
      }
      rounds.push(figures)
    }
  } finally {
    await upstream.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  return rounds
}
