// `npm run docs`: rewrites the generated pages.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { problemPage } from './problem-page.ts'

writeFileSync(join(import.meta.dirname, '../docs/problems.md'), problemPage())
