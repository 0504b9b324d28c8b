// `npm run conformance -- --runner FILE --peers DIR --seed N --virtual-services N [--cases DIR]`: generated meshes on Istio
// and on Weft, from seed N on, until so many VirtualServices have been compared. Exits with 1 where something differs.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Reference } from '../reference.ts'
import type { Batch } from './batch.ts'
import { narrow } from './narrowing.ts'
import { describe } from './report.ts'
import { compare, SIZE } from './run.ts'
import type { Finding } from './verdict.ts'

const { values } = parseArgs({
  options: {
    runner: { type: 'string' },
    peers: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'virtual-services': { type: 'string', default: '2000' },
    cases: { type: 'string' },
  },
})
if (values.runner === undefined || values.peers === undefined) {
  console.error('usage: command.ts --runner FILE --peers DIR [--seed N] [--virtual-services N] [--cases DIR]')
  process.exit(64)
}
const reference: Reference = { runner: values.runner, peers: values.peers }

/** One of each sort of difference, narrowed, which takes minutes. */
async function writeCases(batch: Batch, findings: readonly Finding[], folder: string): Promise<void> {
  const sortOf = ({ differences, istio, weft }: Finding): string =>
    [...differences.map(({ field }) => field), istio.details, weft.details].join()
  for (const [first] of Map.groupBy(findings, sortOf).values()) {
    const path = join(folder, `seed-${batch.seed}-${first!.index + 1}.json`)
    writeFileSync(path, `${JSON.stringify(await narrow(batch, first!, reference), null, 2)}\n`)
    console.log(`wrote ${path}`)
  }
}

const wanted = Number(values['virtual-services'])
let [virtualServices, requests, different] = [0, 0, 0]
for (let seed = Number(values.seed); virtualServices < wanted; seed++) {
  virtualServices += SIZE.virtualServices
  try {
    const { batch, findings, unrepeated, istio, weft } = await compare(seed, SIZE, reference)
    for (const finding of findings) console.log(`${describe(batch, finding)}\n`)
    if (values.cases !== undefined) await writeCases(batch, findings, values.cases)
    const sent = batch.file.requests.reduce((sum, { repeat = 1 }) => sum + repeat, 0)
    requests += sent
    different += findings.length
    const took = `Istio ${istio.toFixed(1)} s, Weft ${weft.toFixed(1)} s`
    const once = unrepeated === 0 ? '' : `, ${unrepeated} did once only`
    console.log(`seed ${seed}: ${sent} requests, ${findings.length} differ${once}; ${took}`)
  } catch (error) {
    different++
    console.log(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
console.log(`${virtualServices} VirtualServices, ${requests} requests, ${different} differences`)
process.exitCode = different > 0 ? 1 : 0
