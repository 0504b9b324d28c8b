// Puts `weft` where npx looks: npm links the programs of dependencies, but not those of the package itself.
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'node_modules/.bin')
const link = join(folder, 'weft')
mkdirSync(folder, { recursive: true })
rmSync(link, { force: true })
chmodSync(join(root, 'bin/weft.js'), 0o755)
if (process.platform === 'win32') writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\bin\\weft.js" %*\r\n')
else symlinkSync('../../bin/weft.js', link)
