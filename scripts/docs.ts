// `npm run docs`: rewrites the generated pages.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostilePage } from './hostile-page.ts'
import { problemPage } from './problem-page.ts'

const docs = join(import.meta.dirname, '../docs')
writeFileSync(join(docs, 'problems.md'), problemPage())
writeFileSync(join(docs, 'hostile-traffic.md'), await hostilePage())
