// The whole corpus.
import type { DifferentialCase } from '../case.ts'
import { ANSWERS } from './answers.ts'
import { FIELD_REQUESTS } from './fields.ts'
import { FRAMING } from './framing.ts'
import { caseOf } from './raw-request.ts'
import { REQUEST_LINES } from './request-lines.ts'
import { SETTINGS } from './settings.ts'

export const CORPUS: readonly DifferentialCase[] = [
  ...REQUEST_LINES,
  ...FIELD_REQUESTS,
  ...FRAMING,
  ...ANSWERS,
  ...SETTINGS,
].map(caseOf)
