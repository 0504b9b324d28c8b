// Resident memory over a time at full load: where it begins, where it ends, and whether it still rises.
import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { PLAIN_HTTP1, pathOf } from '../contestants/scenario.ts'
import { KILOBYTE } from '../contestants/upstream.ts'
import type { Benchmark, Measured } from '../harness/benchmark.ts'
import { loadCores } from '../harness/cores.ts'
import { costOf } from '../harness/process-cost.ts'
import { type Started, underLoad } from '../harness/under-load.ts'
import { probeHttp1 } from '../load/probe.ts'
import { wrk } from '../load/wrk.ts'
import { CONTESTANTS, Stage } from './stage.ts'

const SAMPLES = 120
/** Logs are appended to: a file cut short goes on from nothing. Ten minutes would else fill a disk. */
const LONGEST_LOG = 64 * 2 ** 20

export const growth: Benchmark = {
  name: 'growth',
  summary: 'resident memory over a time at full load: ten minutes, or --seconds',
  figures: [
    'residentFirstMegabytes',
    'residentMegabytes',
    'residentHighestMegabytes',
    'megabytesPerHour',
    'requests',
    'cpuMicrosecondsPerRequest',
  ],
  compares: 'residentMegabytes',
  defaults: { seconds: 600, rounds: 1 },
  async prepare(options, release) {
    const { connections, seconds } = options
    const stage = await Stage.open(options, release)
    const proxies = CONTESTANTS.filter(({ name }) => name === 'weft' || name === 'envoy')
    return await stage.runs(
      PLAIN_HTTP1,
      '',
      async started => {
        const target = { scheme: 'http', port: started.port, path: pathOf(PLAIN_HTTP1) } as const
        await probeHttp1(target, KILOBYTE)
        const load = (duration: number) => wrk(target, { cores: loadCores(1), connections, seconds: duration })
        await load(10)
        const samples: Sample[] = []
        const sampling = setInterval(() => sample(started, samples), (seconds * 1000) / SAMPLES)
        try {
          const measured = await underLoad([started.process], options, load)
          return { ...measured, ...trend(samples) }
        } finally {
          clearInterval(sampling)
        }
      },
      proxies,
    )
  },
}

interface Sample {
  readonly at: number
  readonly megabytes: number
}

function sample({ process, directory }: Started, samples: Sample[]): void {
  samples.push({ at: performance.now(), megabytes: costOf(process.pid).residentMegabytes })
  for (const file of readdirSync(directory)) {
    const path = join(directory, file)
    if (file.endsWith('.log') && statSync(path).size > LONGEST_LOG) truncateSync(path)
  }
}

/** The slope is that of the least squares through the second half: the first may still be warming up. */
function trend(samples: readonly Sample[]): Measured {
  const later = samples.slice(samples.length >> 1)
  const mean = (of: (one: Sample) => number): number => later.reduce((sum, one) => sum + of(one), 0) / later.length
  const [middle, level] = [mean(one => one.at), mean(one => one.megabytes)]
  const slope = mean(one => (one.at - middle) * (one.megabytes - level)) / mean(one => (one.at - middle) ** 2)
  return {
    residentFirstMegabytes: samples[0]!.megabytes,
    residentMegabytes: samples.at(-1)!.megabytes,
    residentHighestMegabytes: Math.max(...samples.map(one => one.megabytes)),
    megabytesPerHour: slope * 3_600_000,
  }
}
