import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

const LINUX = process.platform === 'linux'

test("V8's threads give way, and the event loop's keeps its priority", {
  skip: !LINUX && 'threads have no priorities',
}, () => {
  const script = `
    import { readdirSync, readFileSync } from 'node:fs'
    import { getPriority } from 'node:os'
    import { lowerCompilerThreads } from ${JSON.stringify(import.meta.resolve('./compiler-threads.ts'))}
    const tasks = () => readdirSync('/proc/self/task').map(task => ({
      v8: readFileSync('/proc/self/task/' + task + '/comm', 'latin1').includes('V8Worker'),
      priority: getPriority(Number(task)),
    }))
    const before = getPriority()
    const lowered = lowerCompilerThreads()
    console.log(JSON.stringify({ before, lowered, tasks: tasks() }))`
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  const { before, lowered, tasks } = JSON.parse(printed) as {
    before: number
    lowered: number
    tasks: { v8: boolean; priority: number }[]
  }
  const v8 = tasks.filter(task => task.v8)
  assert.ok(v8.length > 0)
  assert.equal(lowered, v8.length)
  for (const { v8, priority } of tasks) assert.equal(priority, v8 ? Math.min(before + 10, 19) : before)
})
