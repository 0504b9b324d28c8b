// Ten thousand connections that have asked once and then say nothing: what each holds, and what all of them cost.
import { setTimeout as sleep } from 'node:timers/promises'
import { PLAIN_HTTP1, pathOf } from '../contestants/scenario.ts'
import { KILOBYTE } from '../contestants/upstream.ts'
import type { Benchmark } from '../harness/benchmark.ts'
import { costOf } from '../harness/process-cost.ts'
import { openConnections } from '../load/idle-connections.ts'
import { percentiles } from '../load/load-result.ts'
import { probeHttp1 } from '../load/probe.ts'
import { Stage } from './stage.ts'

const COUNT = 10_000
/** Garbage and buffers of the opening are given back by then. */
const SETTLE_MS = 5000

export const idle: Benchmark = {
  name: 'idle',
  summary: `${COUNT} idle HTTP/1.1 connections: resident memory of each, CPU of all`,
  figures: ['kilobytesPerConnection', 'idleCpuPercent', 'residentIdleMegabytes', 'residentMegabytes'],
  compares: 'kilobytesPerConnection',
  defaults: { seconds: 10 },
  async prepare(options, release) {
    const stage = await Stage.open(options, release)
    return await stage.runs(PLAIN_HTTP1, '', async ({ port, process }) => {
      const path = pathOf(PLAIN_HTTP1)
      await probeHttp1({ scheme: 'http', port, path }, KILOBYTE)
      await sleep(1000)
      const empty = costOf(process.pid)
      await using connections = await openConnections(port, path, COUNT)
      const open = costOf(process.pid)
      await sleep(SETTLE_MS)
      const before = costOf(process.pid)
      await sleep(options.seconds * 1000)
      const after = costOf(process.pid)
      if (connections.closed > 0) throw new Error(`${connections.closed} connections were closed`)
      return {
        // Of the one request of each connection, in which the connection is made.
        cpuMicrosecondsPerRequest: (open.cpuMicroseconds - empty.cpuMicroseconds) / COUNT,
        requests: COUNT,
        ...percentiles(connections.waits),
        kilobytesPerConnection: ((after.residentMegabytes - empty.residentMegabytes) * 1024) / COUNT,
        idleCpuPercent: (after.cpuMicroseconds - before.cpuMicroseconds) / (options.seconds * 1e4),
        residentIdleMegabytes: empty.residentMegabytes,
        residentMegabytes: after.residentMegabytes,
      }
    })
  },
}
