import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { ACCESS_LOG_TYPE } from '../access-log-type.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { StreamInfo } from '../stream-info.ts'
import { PeriodicLines, writeLine } from './early-lines.ts'

test('a line each interval, with how long the stream has lasted, until it ends', () => {
  const clock = new FakeClock()
  const wheel = TimerWheel.of(clock)
  const seen: [number, number][] = []
  const log = { needsRecord: false, log: (info: StreamInfo) => void seen.push([info.logType, info.duration]) }
  const tools = { clock, wheel, accessLogs: [log] }
  const info = new StreamInfo({} as ConnectionInfo, clock.wallNow(), clock.now())
  const lines = new PeriodicLines(info, tools, 100, ACCESS_LOG_TYPE.downstreamPeriodic)
  clock.advance(99)
  assert.equal(seen.length, 0)
  clock.advance(111)
  assert.deepEqual(
    seen.map(([type]) => type),
    [5, 5],
  )
  assert.ok(seen[1]![1] >= 200)
  lines.stop()
  clock.advance(1000)
  assert.equal(seen.length, 2)
  assert.equal(wheel.size, 0)
  writeLine(info, tools, ACCESS_LOG_TYPE.downstreamEnd)
  assert.deepEqual(seen.at(-1), [6, clock.now()])
})
