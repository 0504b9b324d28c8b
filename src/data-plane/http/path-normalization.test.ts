// Paths as Envoy 1.40 spells them: recorded from it, normalize_path on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EscapedSlashes, mayNeedNormalization, normalizePath } from './path-normalization.ts'

const plain = { normalize: true, mergeSlashes: false, escapedSlashes: 'keep' as const }

const RECORDED: Record<string, string | null> = {
  '/e/a"b': '/e/a%22b',
  '/e/a<b>c': '/e/a%3Cb%3Ec',
  '/e/a\\b': '/e/a/b',
  '/e/x|y^z`"<>{}': '/e/x%7Cy%5Ez%60%22%3C%3E%7B%7D',
  '/e/a%00b': null,
  '/e/a%2db': '/e/a-b',
  '/e/a%2eb': '/e/a.b',
  '/e/a%41b%7a': '/e/aAbz',
  '/e/a%5fb%7e': '/e/a_b~',
  '/e/a%2fb': '/e/a%2fb',
  '/e/a%20b': '/e/a%20b',
  '/e/%e2%82%ac/%C3': '/e/%e2%82%ac/%C3',
  '/e/%252e': '/e/%252e',
  '/e/\xc3\xbc': '/e/%C3%BC',
  '/e/\xffa\x80%41': '/e/%FFa%80A',
  '/e/\xe2\x82\xac/..': '/e/',
  '/e?\xc3\xbc': '/e?\xc3\xbc',
  '/e/a%2': '/e/a%2',
  '/e/a%': '/e/a%',
  '/e/a%zz': '/e/a%zz',
  '/e/./b': '/e/b',
  '/e/../e/b': '/e/b',
  '/e/%2E%2e/e/x': '/e/x',
  '/e/.': '/e/',
  '/e/..': '/',
  '/e/...': '/e/...',
  '/e/.b': '/e/.b',
  '/e\\b': '/e/b',
  '/e/a%2fb/..': '/e/',
  '/e/a/../../../../e/c': '/e/c',
  '/e/a/.%2e/b': '/e/b',
  '/e/;/../b': '/e/b',
  '/e/..;/e/b': '/e/b',
  '/e/x/..;a=b/y': '/e/y',
  '/e/.;/b': '/e/b',
  '/e/a;..;/b': '/e/a;..;/b',
  '/e/a//../b': '/e/a/b',
  '/e//b': '/e//b',
  '/e/a/..?q': '/e/?q',
  '/e/a?x=/../y&%41=\\': '/e/a?x=/../y&%41=\\',
  '/e/?a?b|"': '/e/?a?b|"',
  '/e#x': null,
  '/e?a#x': null,
}

for (const [path, expected] of Object.entries(RECORDED)) {
  test(`${path} is ${expected ?? 'refused'}`, () => {
    if (expected !== path) assert.equal(mayNeedNormalization(path), true)
    assert.equal(normalizePath(path, plain).path, expected)
  })
}

test('what needs no work is told from what does', () => {
  for (const path of ['/', '/a', '/a.b/c-d_e~f', '/a?b=%41/../', '/a/b?', '*'])
    assert.equal(mayNeedNormalization(path), false)
})

test('slashes are merged where asked', () => {
  assert.equal(normalizePath('/a//b///c?d=//', { ...plain, mergeSlashes: true }).path, '/a/b/c?d=//')
})

test('escaped slashes: kept, refused, redirected or forwarded', () => {
  const outcome = (escapedSlashes: EscapedSlashes) => normalizePath('/a%2Fb%5cc/..', { ...plain, escapedSlashes })
  assert.deepEqual(outcome('keep'), { path: '/', redirect: false })
  assert.deepEqual(outcome('reject'), { path: null, redirect: false })
  assert.deepEqual(outcome('redirect'), { path: '/a/b/', redirect: true })
  assert.deepEqual(outcome('forward'), { path: '/a/b/', redirect: false })
})
