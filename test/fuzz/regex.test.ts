// Patterns that are none, or nearly: each is compiled or refused, and what is compiled answers. What a pattern means is
// compared with JavaScript and RE2 in src/automata/regex.test.ts.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { compileRegex } from '../../src/automata/regex.ts'
import { corpus, fuzz } from './fuzz.ts'

const parts = corpus('regex').map(bytes => bytes.toString())
const unit = fc.constantFrom(
  'a',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '?',
  '*',
  '+',
  '|',
  '\\',
  '^',
  '$',
  '.',
  '-',
  '1',
  ',',
  'é',
)
const pattern = fc
  .array(fc.oneof(fc.constantFrom(...parts), fc.string({ unit, maxLength: 4 })), { maxLength: 8 })
  .map(all => all.join(''))
const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', '-', '\n', 'é', '😀'), maxLength: 12 })

fuzz('regex: any pattern on any text', 1_000, fc.tuple(pattern, text), ([source, on]) => {
  const compiled = compileRegex(source)
  if (!compiled.ok) assert.ok(compiled.problems.length > 0)
  else assert.equal(typeof compiled.value.matches(on), 'boolean')
})
