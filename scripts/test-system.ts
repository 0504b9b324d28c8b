// `npm run test:system`: installs the real peers where the registries answer, says which are there, then runs test/system.
// A test whose peer is missing fails by the peer's name: what was not tried is not passed.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { leakedProcesses, RUN_MARK } from './leaked-processes.ts'
import { findPeer, PEERS } from './peers.ts'

const root = join(import.meta.dirname, '..')
const mark = `system-${process.pid}-${Date.now()}`
const found: Record<string, string> = {}
for (const peer of PEERS) {
  const path = findPeer(peer, true)
  console.log(
    `${path === undefined ? 'MISSING' : 'found  '} ${peer.name}${path === undefined ? ` (set ${peer.variable})` : `: ${path}`}`,
  )
  if (path !== undefined) found[peer.variable] = path
}

const named = process.argv.slice(2)
const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-concurrency=1',
    '--test-timeout=300000',
    '--test-reporter=spec',
    ...(named.length > 0 ? named : ['test/system/**/*.test.ts', 'src/main/envoy-bootstrap.test.ts']),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...found, [RUN_MARK]: mark, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile') },
  },
)
const leaked = leakedProcesses(mark)
if (leaked.length > 0) console.error(`\nprocesses left behind:\n${leaked.join('\n')}`)
process.exit(status !== 0 || leaked.length > 0 ? 1 : 0)
