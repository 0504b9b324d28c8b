// How long a proxy at full load keeps everybody waiting: the delays of Weft's event loop, and everyone's slowest answer.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PLAIN_HTTP1, pathOf } from '../contestants/scenario.ts'
import { KILOBYTE } from '../contestants/upstream.ts'
import { weftWith } from '../contestants/weft.ts'
import type { Benchmark, Measured } from '../harness/benchmark.ts'
import { loadCores } from '../harness/cores.ts'
import { DELAY_FILE, type EventLoopDelay } from '../harness/event-loop-delay.ts'
import { underLoad } from '../harness/under-load.ts'
import { probeHttp1 } from '../load/probe.ts'
import { wrk } from '../load/wrk.ts'
import { CONTESTANTS, Stage } from './stage.ts'

const WRITTEN_MS = 1000
const watched = weftWith(['--import', join(import.meta.dirname, '../harness/event-loop-delay.ts')])

export const stalls: Benchmark = {
  name: 'stalls',
  summary: "full load, HTTP/1.1: delays of Weft's event loop, and the slowest answers of all",
  figures: ['eventLoopDelayMax', 'eventLoopDelayP99', 'max', 'p99', 'p50', 'cpuMicrosecondsPerRequest', 'requests'],
  compares: 'max',
  defaults: { seconds: 20 },
  async prepare(options, release) {
    const { connections } = options
    const stage = await Stage.open(options, release)
    const contestants = [watched, ...CONTESTANTS.filter(({ name }) => name !== watched.name)]
    return await stage.runs(
      PLAIN_HTTP1,
      '',
      async ({ port, directory, process: proxy }, _, workers) => {
        const target = { scheme: 'http', port, path: pathOf(PLAIN_HTTP1) } as const
        await probeHttp1(target, KILOBYTE)
        const isWatched = proxy.command.includes('--import')
        let loads = 0
        const measured = await underLoad([proxy], options, seconds => {
          if (isWatched && ++loads === 2) process.kill(proxy.pid, 'SIGPWR')
          return wrk(target, { cores: loadCores(workers), connections, seconds })
        })
        return isWatched ? { ...measured, ...(await eventLoopDelay(directory)) } : measured
      },
      contestants,
    )
  },
}

async function eventLoopDelay(directory: string): Promise<Measured> {
  await sleep(WRITTEN_MS)
  const { max, p99 } = JSON.parse(readFileSync(join(directory, DELAY_FILE), 'utf8')) as EventLoopDelay
  return { eventLoopDelayMax: max, eventLoopDelayP99: p99 }
}
