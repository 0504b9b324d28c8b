// As an Envoy 1.40 answers by the same matchers, after its jwt_authn has checked a token that says this.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject } from '@bufbuild/protobuf'
import { MetadataMatcherSchema } from '../../xds/generated/envoy/type/matcher/v3/metadata_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import type { MetadataValue } from '../stream-metadata.ts'
import { compileMetadataMatcher } from './metadata-criterion.ts'

const SAID: Readonly<Record<string, MetadataValue>> = {
  payload: {
    sub: 'jason',
    groups: ['admin', 'users', 7],
    realm: { role: 'owner', 'a.b': 'dotted' },
    age: 30,
    trusted: true,
    none: null,
    'm\xc3\xbc': 'utf-8',
  },
}
const source = {
  allMetadata: () => null,
  metadataOf: (namespace: string, key: string) =>
    namespace === 'jwt' && Object.hasOwn(SAID, key) ? SAID[key] : undefined,
}

function compile(matcher: JsonObject) {
  const check = new ResourceCheck('')
  const compiled = compileMetadataMatcher(fromJson(MetadataMatcherSchema, matcher), 'm', check)
  return { compiled, problems: check.problems.map(({ code, path }) => `${code} ${path}`) }
}

function matches(keys: readonly string[], value: JsonObject, rest: JsonObject = {}): boolean {
  const path = ['payload', ...keys].map(key => ({ key }))
  const { compiled, problems } = compile({ filter: 'jwt', path, value, ...rest })
  assert.deepEqual(problems, [])
  return compiled.test(source)
}

/** As istiod asks for a claim. */
const claim = (match: JsonObject): JsonObject => ({
  orMatch: { valueMatchers: [{ listMatch: { oneOf: { stringMatch: match } } }, { stringMatch: match }] },
})

test('a claim is matched by its text, or by one of its elements, in whatever it lies', () => {
  assert.ok(matches(['sub'], claim({ exact: 'jason' })))
  assert.ok(matches(['sub'], claim({ prefix: 'ja' })))
  assert.ok(matches(['sub'], claim({ safeRegex: { regex: 'j.*n' } })))
  assert.ok(!matches(['sub'], claim({ safeRegex: { regex: 'j' } })), 'the whole text')
  assert.ok(matches(['groups'], claim({ exact: 'users' })))
  assert.ok(!matches(['groups'], claim({ exact: 'admin,users' })))
  assert.ok(matches(['realm', 'role'], claim({ exact: 'owner' })))
  assert.ok(matches(['realm', 'a.b'], claim({ exact: 'dotted' })))
  assert.ok(matches(['mü'], claim({ exact: 'utf-8' })))
  assert.ok(!matches(['age'], claim({ exact: '30' })), 'a number is no text')
})

test('what is not there matches nothing but its opposite', () => {
  for (const keys of [
    ['missing'],
    ['realm', 'missing'],
    ['sub', 'length'],
    ['groups', '0'],
    ['constructor'],
    ['none', 'x'],
  ]) {
    assert.ok(!matches(keys, claim({ safeRegex: { regex: '.*' } })), keys.join())
    assert.ok(matches(keys, claim({ exact: 'x' }), { invert: true }), keys.join())
    assert.ok(!matches(keys, { presentMatch: true }), keys.join())
  }
  assert.ok(!matches(['sub'], claim({ exact: 'jason' }), { invert: true }))
})

test('values of every kind', () => {
  assert.ok(matches(['none'], { nullMatch: {} }))
  assert.ok(!matches(['sub'], { nullMatch: {} }))
  assert.ok(matches(['trusted'], { boolMatch: true }))
  assert.ok(!matches(['trusted'], { boolMatch: false }))
  assert.ok(matches(['age'], { doubleMatch: { exact: 30 } }))
  assert.ok(matches(['age'], { doubleMatch: { range: { start: 30, end: 31 } } }))
  assert.ok(!matches(['age'], { doubleMatch: { range: { start: 29, end: 30 } } }))
  assert.ok(matches(['groups'], { listMatch: { oneOf: { doubleMatch: { exact: 7 } } } }))
  assert.ok(matches(['sub'], { presentMatch: true }))
  assert.ok(!matches(['sub'], { presentMatch: false }))
  assert.ok(!matches(['missing'], { presentMatch: false }))
  for (const keys of [['realm'], ['groups'], ['none']]) assert.ok(matches(keys, { presentMatch: true }), keys.join())
})

test('what is wrong is refused by name', () => {
  assert.deepEqual(compile({}).problems, ['WEFT-4002 m.filter', 'WEFT-4002 m.path', 'WEFT-4002 m.value'])
  assert.deepEqual(
    compile({ filter: 'f', path: [{}], value: { orMatch: { valueMatchers: [{ doubleMatch: {} }] } } }).problems,
    [
      'WEFT-4002 m.path[0].key',
      'WEFT-4002 m.value.or_match.value_matchers',
      'WEFT-4002 m.value.or_match.value_matchers[0].double_match',
    ],
  )
  let value: JsonObject = { boolMatch: true }
  for (let depth = 0; depth < 20; depth++) value = { listMatch: { oneOf: value } }
  assert.equal(compile({ filter: 'f', path: [{ key: 'k' }], value }).problems.length, 1)
})
