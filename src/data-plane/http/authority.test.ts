// Ports and trailing dots stripped from authorities.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripAuthority } from './authority.ts'

test('ports: none, the listener’s, any', () => {
  assert.equal(stripAuthority('a:80', 'none', 80, false), 'a:80')
  assert.equal(stripAuthority('a:80', 'matching', 80, false), 'a')
  assert.equal(stripAuthority('a:81', 'matching', 80, false), 'a:81')
  assert.equal(stripAuthority('a:81', 'any', 80, false), 'a')
  assert.equal(stripAuthority('[::1]:81', 'any', 80, false), '[::1]')
  assert.equal(stripAuthority('[::1]', 'any', 80, false), '[::1]')
})

test('a trailing dot, before a port too', () => {
  assert.equal(stripAuthority('a.:80', 'none', 80, true), 'a:80')
  assert.equal(stripAuthority('a.', 'any', 80, true), 'a')
})
