import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplateRewrite, compileUriTemplate, type UriTemplate } from './uri-template.ts'

function template(text: string): UriTemplate {
  const compiled = compileUriTemplate(text)
  assert.ok('value' in compiled, JSON.stringify(compiled))
  return compiled.value
}

test('globs, variables, literals and a suffix', () => {
  const matches = (text: string, ...paths: string[]): boolean[] => {
    const { regex } = template(text)
    return paths.map(path => regex.matchesBytes(path))
  }
  assert.deepEqual(matches('/a/*', '/a/b', '/a/', '/a/b/c'), [true, false, false])
  assert.deepEqual(matches('/a/**', '/a/b', '/a/', '/a/b/c', '/b'), [true, true, true, false])
  assert.deepEqual(matches('/{x}/{y=**}.m3u8', '/a/b/c.m3u8', '/a/b/c.ts', '/a/.m3u8'), [true, false, true])
  assert.deepEqual(matches('/v1/{x=a/*/c}/d', '/v1/a/b/c/d', '/v1/a/c/d'), [true, false])
  assert.deepEqual(matches('/a.b$(c)+', '/a.b$(c)+', '/axb$(c)+'), [true, false])
  assert.deepEqual(matches('/a/', '/a/', '/a'), [true, false])
  assert.deepEqual(matches('/*', '/a=b', '/a*b', '/a%20b'), [true, true, true])
})

test('variables are put where the rewrite has them', () => {
  const rewrite = (from: string, to: string, path: string): string => {
    const compiled = compileTemplateRewrite(to, template(from))
    assert.ok('value' in compiled, JSON.stringify(compiled))
    return compiled.value.replaceAll(path)
  }
  assert.equal(rewrite('/{country}/{rest=**}', '/{rest}/in/{country}', '/de/a/b'), '/a/b/in/de')
  assert.equal(rewrite('/x/{y}', '/fixed', '/x/1'), '/fixed')
})

test('what is no template says why', () => {
  const faults: Readonly<Record<string, RegExp>> = {
    'a/b': /begin with a slash/,
    '/a b': /visible ASCII/,
    '/**/*': /nothing but literals/,
    '/**/{x}': /nothing but literals/,
    '/{x}/{x}': /occurs twice/,
    '/{1x}': /is no name/,
    '/{abcdefghijklmnopq}': /is no name/,
    '/{x': /closing brace/,
    '/{x=}': /is no literal/,
    '/a//b': /is no literal/,
    '/{x}suf/fix': /must end the template/,
    '/{a}/{b}/{c}/{d}/{e}/{f}': /more than 5/,
  }
  for (const [text, why] of Object.entries(faults)) {
    const compiled = compileUriTemplate(text)
    assert.match('fault' in compiled ? compiled.fault : 'none', why, text)
  }
  for (const [to, why] of [
    ['x', /begin with a slash/],
    ['/{y}', /no variable/],
    ['/{x', /closing brace|no variable/],
    ['/a b', /no literal/],
  ] as const) {
    const compiled = compileTemplateRewrite(to, template('/{x}'))
    assert.match('fault' in compiled ? compiled.fault : 'none', why, to)
  }
})
