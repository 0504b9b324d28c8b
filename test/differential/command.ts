// `npm run differential -- --seconds N --seed S`: the corpus, then generated plans from seed S on until the time is up.
// Prints every difference that docs/differences-from-envoy.md does not explain; exits with 1 when there is one.
import { parseArgs } from 'node:util'
import { findPeer, peerNamed } from '../../scripts/peers.ts'
import { readKnownDifferences } from './known-differences.ts'
import { describe } from './report.ts'
import { type RunReport, runCorpus, runGenerated, runPairs } from './run.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
})
const peer = peerNamed('envoy')
const binary = findPeer(peer, true)
if (binary === undefined) {
  console.error(`${peer.name} is missing: set ${peer.variable}`)
  process.exit(1)
}
process.env[peer.variable] = binary

const deadline = performance.now() + Number(values.seconds) * 1000
const known = readKnownDifferences()
const occurred = new Set<string>()
let cases = 0
let unexplained = 0

function take(what: string, report: RunReport): void {
  cases += report.cases
  unexplained += report.unexplained.length
  for (const id of report.occurred) occurred.add(id)
  for (const result of report.unexplained) console.log(`${describe(result)}\n`)
  console.log(`${what}: ${report.cases} cases, ${report.unexplained.length} unexplained`)
}

take('corpus', await runCorpus(known))
for (let seed = Number(values.seed); performance.now() < deadline; seed++) {
  take(`seed ${seed}`, await runGenerated(seed, known))
  take(`tunnels of seed ${seed}`, await runPairs(seed, known))
}
console.log(
  `${cases} cases, ${unexplained} differences unexplained, ${occurred.size} of ${known.length} known ones seen`,
)
process.exitCode = unexplained > 0 ? 1 : 0
