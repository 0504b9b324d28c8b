// `npm run build`, and `npm pack` before it packs: src/ as JavaScript in dist/, because Node strips no types in packages.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

run(process.execPath, ['scripts/generate-xds.ts'])
rmSync(join(root, 'dist'), { recursive: true, force: true })
run(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'])
