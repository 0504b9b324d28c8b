// Format strings of access logs and header values: any text is taken or refused, and what is taken says what it said.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { compileFormat } from '../../src/data-plane/access-log/command-operators.ts'
import { type FormatPart, parseFormat } from '../../src/data-plane/access-log/command-parser.ts'
import { corpus, fuzz } from './fuzz.ts'

const parts = corpus('command-operators').map(bytes => bytes.toString())
const format = fc
  .array(
    fc.oneof(fc.constantFrom(...parts), fc.string({ unit: fc.constantFrom('%', '(', ')', ':', 'A', '1', ' ', 'ü') })),
    {
      maxLength: 6,
    },
  )
  .map(all => all.join(''))

function textOf(part: FormatPart): string {
  if (typeof part === 'string') return part.replaceAll('%', '%%')
  const argument = part.argument === null ? '' : `(${part.argument})`
  return `%${part.name}${argument}${part.maxLength < 0 ? '' : `:${part.maxLength}`}%`
}

fuzz('command-operators: what is taken, written again, is the same', 2_000, format, text => {
  const parsed = parseFormat(text)
  const compiled = compileFormat(text)
  if ('fault' in parsed) {
    assert.ok('fault' in compiled)
    return
  }
  const again = parseFormat(parsed.parts.map(textOf).join(''))
  assert.deepEqual(again, parsed)
})
