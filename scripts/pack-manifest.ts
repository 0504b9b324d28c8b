// Around `npm pack`: the packed package.json leaves out what only building needs, so that its users do not install it.
// `prepack` trims, `postpack` puts the checkout's own back.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const manifest = join(root, 'package.json')
const kept = join(root, 'build/package.json.kept')

if (process.argv[2] === 'restore') {
  if (existsSync(kept)) renameSync(kept, manifest)
} else {
  const text = readFileSync(manifest, 'utf8')
  mkdirSync(join(root, 'build'), { recursive: true })
  writeFileSync(kept, text)
  const trimmed = JSON.parse(text)
  for (const name of Object.keys(trimmed.optionalDependencies)) {
    if (name.startsWith('@bufbuild/buf-')) delete trimmed.optionalDependencies[name]
  }
  delete trimmed.devDependencies
  delete trimmed.scripts
  writeFileSync(manifest, `${JSON.stringify(trimmed, null, 2)}\n`)
}
