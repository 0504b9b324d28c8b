// A hot restart and config that comes meanwhile, in every order of the two, and with either process dying at any step: no
// client is refused, turned away or left waiting at a port that is served.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../base/random.ts'
import { type Crash, type Scenario, SimulatedLine, type Versions } from './testing/simulated-line.ts'

const LONGEST = 200
const MAX_RUNS = 40_000
const SAMPLES = 150

/** What config does to the listeners while a restart is under way, which has begun with port 1 alone. */
const CHANGES: Readonly<Record<string, Versions>> = {
  'nothing changes': [[1]],
  'a listener is added': [[1], [1, 2]],
  'a listener is removed': [[1, 2], [1]],
  'a listener moves': [
    [1, 2],
    [1, 3],
  ],
  'one is added, then taken away': [[1], [1, 2], [1]],
  'one is taken away, then added again': [[1, 2], [1], [1, 2]],
  'two are added, one after the other': [[1], [1, 2], [1, 2, 3]],
}

/** `choose`: which of so many is next. */
async function run(scenario: Scenario, choose: (options: number) => number): Promise<void> {
  const line = new SimulatedLine(scenario)
  await line.start()
  for (let options = line.options; options.length > 0; options = line.options) {
    await line.happen(options[choose(options.length)]!)
    assert.ok(line.history.length < LONGEST, `no end of it: ${line.history.join(', ')}`)
  }
  line.conclude()
  assert.deepEqual(line.faults, [], line.history.join(', '))
}

/** Every order there is: the last choice that has another is made otherwise, until there is none. */
async function runAll(scenario: Scenario): Promise<number> {
  const path: { chosen: number; options: number }[] = []
  for (let runs = 1; ; runs++) {
    let depth = 0
    await run(scenario, options => {
      path[depth] ??= { chosen: 0, options }
      return path[depth++]!.chosen
    })
    path.length = depth
    while (path.length > 0 && path.at(-1)!.chosen === path.at(-1)!.options - 1) path.pop()
    if (path.length === 0) return runs
    assert.ok(runs < MAX_RUNS, 'too many to try them all')
    path.at(-1)!.chosen++
  }
}

for (const [change, versions] of Object.entries(CHANGES)) {
  for (const crash of ['none', 'successor', 'predecessor'] as Crash[]) {
    const dies = crash === 'none' ? 'nobody dies' : `the ${crash} dies`
    test(`every order in which ${change} and ${dies}`, async () => {
      for (const lead of [0, 1]) await runAll({ versions, crash, lead, loops: 1, restarts: 1 })
    })
  }
}

test('two restarts in a row, and several event loops: many orders', async () => {
  const random = new SeededRandom(7)
  const draw = (options: number): number => Math.floor(random.next() * options)
  for (const versions of Object.values(CHANGES))
    for (const [loops, restarts] of [
      [1, 2],
      [2, 1],
      [3, 2],
    ] as const)
      for (let sample = 0; sample < SAMPLES; sample++) {
        const crash = (['none', 'successor', 'predecessor'] as const)[draw(3)]!
        await run({ versions, crash, lead: draw(3), loops, restarts }, draw)
      }
})
