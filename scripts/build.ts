// `npm run build`, and `npm pack` before it packs: src/ and the example as JavaScript in dist/, because Node strips no
// types in packages.
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const compiled = join(root, 'build/javascript')
const built = join(root, 'dist')

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

run(process.execPath, ['scripts/generate-xds.ts'])
for (const folder of [compiled, built]) rmSync(folder, { recursive: true, force: true })
run(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'])
// As deep below the package as the sources are, which find package.json by that.
renameSync(join(compiled, 'src'), built)
renameSync(join(compiled, 'examples'), join(built, 'examples'))

const [example, exampleBuilt] = [join(root, 'examples/bookinfo'), join(built, 'examples/bookinfo')]
cpSync(example, exampleBuilt, { recursive: true, filter: file => !file.endsWith('.ts') })
const mesh = readFileSync(join(example, 'weft.yaml'), 'utf8')
writeFileSync(join(exampleBuilt, 'weft.yaml'), mesh.replaceAll('/main.ts]', '/main.js]'))
