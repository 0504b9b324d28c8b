// After `npm ci`: strips and compiles the sources of a mesh's processes once, where bin/weft.js will look. Without it each
// process of the first mesh loads the compiler that strips types, and keeps it: 29 MB apiece.
import { spawnSync } from 'node:child_process'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
/** What the verbs of a mesh's processes load, and load late. */
const ENTRIES = [
  'cli/program',
  'cli/up/command',
  'cli/proxy/command',
  'cli/control-plane/command',
  'main/control-plane',
  'main/envoy-agent',
  'main/proxy',
]

enableCompileCache(join(root, 'node_modules/.cache/compile'))
for (const entry of ENTRIES) await import(join(root, 'src', `${entry}.ts`))
flushCompileCache()
// bin.ts runs the program when it is loaded, so it is run.
spawnSync(process.execPath, [join(root, 'bin/weft.js'), '--version'], { stdio: 'ignore' })
