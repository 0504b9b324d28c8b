import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import fc from 'fast-check'
import { LazyDfa } from './lazy-dfa.ts'
import { ProgramBuilder } from './program.ts'
import { compileRegex, type Regex } from './regex.ts'
import { parseRegex } from './regex-parser.ts'
import { compileReplacement } from './regex-replacement.ts'
import { RegexSet } from './regex-set.ts'

function compile(pattern: string): Regex {
  const compiled = compileRegex(pattern)
  assert.ok(compiled.ok, `${pattern}: ${compiled.ok ? '' : compiled.problems[0]?.message}`)
  return compiled.value
}

function faultOf(pattern: string): string {
  const compiled = compileRegex(pattern)
  return compiled.ok ? 'accepted' : compiled.problems[0]!.message
}

test('the whole text must match', () => {
  assert.ok(compile('/api/v[0-9]+').matches('/api/v12'))
  assert.ok(!compile('/api/v[0-9]+').matches('/api/v12/'))
  assert.ok(!compile('api').matches('/api'))
  assert.ok(compile('a|ab').matches('ab'))
  assert.ok(compile('a??b*?').matches('abb'))
  assert.ok(compile('').matches(''))
  assert.ok(!compile('').matches('a'))
})

test('classes, flags, anchors and boundaries are those of RE2', () => {
  const cases: readonly (readonly [pattern: string, text: string, expected: boolean])[] = [
    ['[[:alpha:]_]+', 'ab_Z', true],
    ['[^[:^digit:]]+', '123', true],
    ['\\s', '\v', false],
    ['(?i)straße', 'STRASSE', false],
    ['(?i)k', '\u212a', true],
    ['(?i)[é]', 'É', true],
    ['(?i:a)b', 'Ab', true],
    ['(?i:a)b', 'AB', false],
    ['a.b', 'a\nb', false],
    ['(?s)a.b', 'a\nb', true],
    ['^a$', 'a', true],
    ['a$\\n?', 'a\n', false],
    ['(?m)a$\\n^b', 'a\nb', true],
    ['a\\b.*', 'a b', true],
    ['a\\b.*', 'ab', false],
    ['a\\Bb', 'ab', true],
    ['\\Qa.b\\E+', 'a.bbb', true],
    ['\\x{1F600}|\\x41', '😀', true],
    ['\\p{Greek}+\\pN', 'αω9', true],
    ['\\P{L}', 'a', false],
    ['\\p{^Lu}', 'a', true],
    ['.', '😀', true],
    ['..', '😀', false],
    ['\\C{4}', '😀', true],
    ['(?P<name>a)(?<other>b)', 'ab', true],
    ['a{,2}', 'a{,2}', true],
    ['a{2,3}', 'aaaa', false],
    ['[]a]+', ']a', true],
    ['[a-]+', 'a-', true],
    ['\\012', '\n', true],
    ['(?U)a+', 'aaa', true],
    ['(|a)*', 'aaa', true],
    ['(^)*a', 'a', true],
  ]
  for (const [pattern, text, expected] of cases) {
    assert.equal(compile(pattern).matches(text), expected, `${pattern} on ${JSON.stringify(text)}`)
  }
})

test("what RE2 lacks is refused in RE2's words", () => {
  assert.equal(faultOf('(a)\\1'), 'invalid escape sequence: \\1')
  assert.equal(faultOf('a(?=b)'), 'invalid perl operator: (?=')
  assert.equal(faultOf('a(?!b)'), 'invalid perl operator: (?!')
  assert.equal(faultOf('(?<=a)b'), 'invalid perl operator: (?<=')
  assert.equal(faultOf('(?<!a)b'), 'invalid perl operator: (?<!')
  assert.equal(faultOf('a**'), 'bad repetition operator: **')
  assert.equal(faultOf('a{2}{3}'), 'bad repetition operator: {2}{3}')
  assert.equal(faultOf('*a'), 'no argument for repetition operator: *')
  assert.equal(faultOf('(a'), 'missing ): (a')
  assert.equal(faultOf('a)'), 'unexpected ): a)')
  assert.equal(faultOf('[a'), 'missing ]: [a')
  assert.equal(faultOf('[b-a]'), 'invalid character class range: b-a')
  assert.equal(faultOf('a{1001}'), 'invalid repetition size: {1001}')
  assert.equal(faultOf('(a{100}){100}'), 'invalid repetition size: {100}')
  assert.equal(faultOf('a\\'), 'trailing \\ at end of regexp')
  assert.equal(faultOf('\\p{Klingon}'), 'invalid character class range: \\p{Klingon}')
  const lookaround = compileRegex('a(?=b)')
  assert.equal(lookaround.ok ? '' : lookaround.problems[0]!.hint, 'RE2 has no lookaround')
})

test('size and depth are bounded', () => {
  assert.equal(faultOf('\\pL{1000}'), 'pattern too large - compile failed')
  assert.equal(faultOf(`${'('.repeat(2000)}a${')'.repeat(2000)}`), 'expression nests too deeply')
  assert.equal(faultOf('((((((((((a{2}){2}){2}){2}){2}){2}){2}){2}){2}){2})'), 'invalid repetition size: {2}')
  assert.equal(faultOf('((a?){500})'), 'accepted')
})

test('a hostile text costs time in its length and no memory: the table is forgotten when full', () => {
  const builder = new ProgramBuilder(false)
  builder.add(parseRegex('(a|b)*a(a|b){12}'))
  const automaton = new LazyDfa(builder.finish(), 64)
  let text = ''
  for (let i = 0; i < 20_000; i++) text += (i * 2_654_435_761) & 0x1000 ? 'a' : 'b'
  const expected = text.at(-13) === 'a'
  assert.equal(automaton.run(text, text.length).length > 0, expected)
  assert.ok(automaton.states <= 33)
})

const ATOMS = [
  'a',
  'b',
  '/',
  '-',
  '\\.',
  '.',
  '[a-c]',
  '[^/]',
  '[^ab]',
  '\\d',
  '\\w',
  '\\W',
  'é',
  '[α-ω]',
  '\\b',
  '^',
  '$',
  '(?:)',
]
const pattern: fc.Arbitrary<string> = fc.letrec<{ node: string }>(tie => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...ATOMS),
    fc.tuple(tie('node'), tie('node')).map(([left, right]) => left + right),
    fc.tuple(tie('node'), tie('node')).map(([left, right]) => `(?:${left}|${right})`),
    fc
      .tuple(tie('node'), fc.constantFrom('*', '+', '?', '*?', '{2}', '{1,3}', '{0,2}', '{2,}'))
      .map(([item, operator]) => `(?:${item})${operator}`),
    tie('node').map(item => `(${item})`),
  ),
})).node
const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', '/', '-', '.', '7', '_', ' ', '\n', 'é', 'α', '😀'),
  maxLength: 8,
})

test('agrees with JavaScript on what both can say', () => {
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 8 }), (source, texts) => {
      const own = compileRegex(source)
      assert.ok(own.ok, source)
      const theirs = new RegExp(`^(?:${source})$`, 'u')
      for (const one of texts)
        assert.equal(own.value.matches(one), theirs.test(one), `${source} on ${JSON.stringify(one)}`)
    }),
    { numRuns: 400 },
  )
})

interface Re2 {
  new (pattern: string, flags: string): { test(text: string): boolean }
}

function loadRe2(): Re2 | null {
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds'))
    return (require('re2-wasm') as { RE2: Re2 }).RE2
  } catch {
    return null
  }
}

test("agrees with Google's RE2 on matching", { skip: loadRe2() === null }, () => {
  const Theirs = loadRe2()!
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 8 }), (source, texts) => {
      const theirs = new Theirs(`^(?:${source})$`, 'u')
      const own = compile(source)
      for (const one of texts) assert.equal(own.matches(one), theirs.test(one), `${source} on ${JSON.stringify(one)}`)
    }),
    { numRuns: 400 },
  )
})

// No repetition inside another: of a loop's empty rounds RE2 and JavaScript think differently.
const flat: fc.Arbitrary<string> = fc
  .array(fc.tuple(fc.constantFrom(...ATOMS.slice(0, -4)), fc.constantFrom('', '', '*', '+', '?', '*?', '{1,2}')), {
    minLength: 1,
    maxLength: 4,
  })
  .map(parts => parts.map(([atom, operator]) => atom + operator).join(''))
const flatChoice = fc.array(flat, { minLength: 1, maxLength: 3 }).map(options => `(${options.join('|')})`)

test('replaces what JavaScript replaces', () => {
  fc.assert(
    fc.property(flatChoice, fc.array(text, { minLength: 1, maxLength: 8 }), (source, texts) => {
      const replacement = compileReplacement(compile(source), '<\\0>')
      assert.ok(replacement.ok)
      for (const one of texts) {
        const theirs = one.replace(new RegExp(source, 'gu'), '<$&>')
        const own = replacement.value.replaceAll(Buffer.from(one).toString('latin1'))
        // RE2 takes no empty match where the last one ended.
        if (theirs.includes('<>')) continue
        assert.equal(Buffer.from(own, 'latin1').toString(), theirs, `${source} on ${JSON.stringify(one)}`)
      }
    }),
    { numRuns: 400 },
  )
})

test('replacement: groups, escapes, preferences', () => {
  const replace = (source: string, by: string, on: string): string => {
    const compiled = compileReplacement(compile(source), by)
    assert.ok(compiled.ok)
    return compiled.value.replaceAll(on)
  }
  assert.equal(replace('^/service/([^/]+)(/.*)$', '\\2/instance/\\1', '/service/foo/v1/api'), '/v1/api/instance/foo')
  assert.equal(replace('one', 'two', '/xxx/one/yyy/one/zzz'), '/xxx/two/yyy/two/zzz')
  assert.equal(replace('^(.*?)one(.*)$', '\\1two\\2', '/xxx/one/yyy/one/zzz'), '/xxx/two/yyy/one/zzz')
  assert.equal(replace('(?i)/xxx/', '/yyy/', '/aaa/XxX/bbb'), '/aaa/yyy/bbb')
  assert.equal(replace('a*', '-', 'baac'), '-b-c-')
  assert.equal(replace('(a)|b', '[\\1]', 'ab'), '[a][]')
  assert.equal(replace('x', '\\\\', 'x'), '\\')
  const missing = compileReplacement(compile('(a)'), '\\2')
  assert.equal(
    missing.ok ? '' : missing.problems[0]!.message,
    'invalid substitution: group \\2 of a pattern with 1 groups',
  )
})

test('a set says which of its patterns match', () => {
  const set = new RegexSet(['/a.*', '/b', '.*b', '/ab'].map(compile))
  assert.deepEqual(set.matching(0, '/ab?x', 3), [0, 2, 3])
  assert.deepEqual(set.matching(0, '/x', 2), [])
})
