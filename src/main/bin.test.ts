import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { PROXY_HEAP_FLAGS } from '../cli/launcher/proxy-heap.ts'

const BOOTSTRAP = 'static_resources: {}\n'
const program = join(import.meta.dirname, '../../bin/weft.js')

test('a proxy started by hand has the flags that the launcher gives one, unless it is given some', {
  skip: process.platform !== 'linux' && 'the command line of a process is read from /proc',
}, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bin-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'envoy.yaml')
  writeFileSync(file, BOOTSTRAP)
  for (const [given, expected] of [
    [[], PROXY_HEAP_FLAGS],
    [['--no-maglev'], ['--no-maglev']],
  ] as const) {
    const child = spawn(process.execPath, [...given, program, 'proxy', '-c', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    try {
      for await (const line of createInterface(child.stderr)) if (/ live /.test(line)) break
      const [, ...args] = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0')
      assert.deepEqual(args.slice(0, args.indexOf(program)), expected)
    } finally {
      child.kill()
      await once(child, 'exit')
    }
  }
})
