// After `npm ci`: strips and compiles the sources of a mesh's processes once, where bin/weft.js will look. Without it each
// process of the first mesh loads the compiler that strips types, and keeps it: 29 MB apiece.
import { spawnSync } from 'node:child_process'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { PROXY_HEAP_FLAGS } from '../src/cli/launcher/proxy-heap.ts'

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

if (process.argv[2] === 'entries') {
  enableCompileCache(join(root, 'node_modules/.cache/compile'))
  for (const entry of ENTRIES) await import(join(root, 'src', `${entry}.ts`))
  flushCompileCache()
} else {
  // V8 takes compiled code only from a V8 of the same flags. bin.ts runs the program when it is loaded, so it is run.
  for (const flags of [[], PROXY_HEAP_FLAGS]) {
    for (const program of [
      [import.meta.filename, 'entries'],
      [join(root, 'bin/weft.js'), '--version'],
    ])
      spawnSync(process.execPath, [...flags, ...program], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
}
