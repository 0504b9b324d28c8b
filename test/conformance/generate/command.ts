// `npm run conformance -- --runner FILE --peers DIR --seed N --virtual-services N [--cases DIR]`: generated meshes on Istio and on Weft,
// from seed N on, until so many VirtualServices have been compared. Exits with 1 where something differs unexplained.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { askReference } from '../reference.ts'
import { runCase } from '../replay/run-case.ts'
import { type Batch, generateBatch } from './batch.ts'
import { narrow } from './narrowing.ts'
import { describe } from './report.ts'
import { type Finding, judge } from './verdict.ts'

/** Of one mesh: most of the time is its start, and the more objects there are the more of them hide one another. */
const VIRTUAL_SERVICES = 46
const REQUESTS_EACH = 25
/** At a time, on either side. */
const CONCURRENCY = 8

const { values } = parseArgs({
  options: {
    runner: { type: 'string' },
    peers: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'virtual-services': { type: 'string', default: '2000' },
    cases: { type: 'string' },
  },
})
const { runner, peers } = values
if (runner === undefined || peers === undefined) {
  console.error('usage: command.ts --runner FILE --peers DIR [--seed N] [--virtual-services N] [--cases DIR]')
  process.exit(64)
}

/** One of each sort of difference, narrowed: taking them to bits takes minutes. */
async function writeCases(batch: Batch, findings: readonly Finding[], folder: string): Promise<void> {
  const sorts = Map.groupBy(findings, ({ differences, weft, istio }) =>
    [...differences.map(({ field }) => field), weft.details, istio.details].join(),
  )
  for (const [first] of sorts.values()) {
    const path = join(folder, `seed-${batch.seed}-${first!.index + 1}.json`)
    const file = await narrow(batch, first!, { runner: runner!, peers: peers! })
    writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`)
    console.log(`wrote ${path}`)
  }
}

let [virtualServices, requests, unexplained] = [0, 0, 0]
for (let seed = Number(values.seed); virtualServices < Number(values['virtual-services']); seed++) {
  const batch = generateBatch(seed, { virtualServices: VIRTUAL_SERVICES, requestsEach: REQUESTS_EACH })
  const started = performance.now()
  try {
    const istio = await askReference({ runner, peers }, batch.file)
    const between = performance.now()
    const weft = await runCase(batch.file, CONCURRENCY)
    const findings = judge(batch.file.requests, istio, weft)
    for (const finding of findings) console.log(`${describe(batch, finding)}\n`)
    if (values.cases !== undefined) await writeCases(batch, findings, values.cases)
    unexplained += findings.length
    const [one, other] = [between - started, performance.now() - between].map(ms => (ms / 1000).toFixed(1))
    console.log(
      `seed ${seed}: ${batch.file.requests.length} requests, ${findings.length} differ; Istio ${one} s, Weft ${other} s`,
    )
  } catch (error) {
    unexplained++
    console.log(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`)
  }
  virtualServices += VIRTUAL_SERVICES
  requests += batch.file.requests.length
}
console.log(`${virtualServices} VirtualServices, ${requests} requests, ${unexplained} differences unexplained`)
process.exitCode = unexplained > 0 ? 1 : 0
