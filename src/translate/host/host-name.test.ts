import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandShortName, hostFault, hostsOverlap, hostWithin, intersectHosts, wildcardsOf } from './host-name.ts'

test('a name without a dot belongs to the namespace of its object; any other stays', () => {
  const expand = (host: string) => expandShortName(host, 'shop', 'cluster.local')
  assert.equal(expand('Reviews'), 'reviews.shop.svc.cluster.local')
  assert.equal(expand('reviews.prod'), 'reviews.prod')
  assert.equal(expand('*'), '*')
  assert.equal(expand('10.0.0.1'), '10.0.0.1')
  assert.equal(expand('::1'), '::1')
})

test('a wildcard holds any depth, and not the bare domain', () => {
  assert.ok(hostWithin('a.foo.com', '*.foo.com'))
  assert.ok(hostWithin('a.b.foo.com', '*.foo.com'))
  assert.ok(!hostWithin('foo.com', '*.foo.com'))
  assert.ok(hostWithin('*.b.foo.com', '*.foo.com'))
  assert.ok(!hostWithin('*.foo.com', '*.b.foo.com'))
  assert.ok(hostWithin('anything', '*'))
  assert.ok(!hostWithin('*', 'a'))
  assert.ok(hostsOverlap('*.foo.com', 'a.foo.com'))
  assert.ok(!hostsOverlap('*.foo.com', '*.bar.com'))
})

test('the narrower of each pair is in both', () => {
  assert.deepEqual(intersectHosts(['*.example.com', 'shop.example.com'], ['*.example.com']), [
    '*.example.com',
    'shop.example.com',
  ])
  assert.deepEqual(intersectHosts(['*'], ['a.com', '*.b.com']), ['a.com', '*.b.com'])
  assert.deepEqual(intersectHosts(['a.com'], ['b.com']), [])
})

test('wildcards that hold a host, longest first', () => {
  assert.deepEqual([...wildcardsOf('a.b.c')], ['*.b.c', '*.c', '*'])
  assert.deepEqual([...wildcardsOf('*.b.c')], ['*.c', '*'])
  assert.deepEqual([...wildcardsOf('a')], ['*'])
})

test('faults of hosts', () => {
  for (const good of ['a', 'a.b-c.d', 'a_b.c', 'a.b.']) assert.equal(hostFault(good, false), null, good)
  for (const good of ['*', '*.a']) assert.equal(hostFault(good, true), null, good)
  for (const bad of ['', '*', '*.a', 'a..b', '-a', 'a b', 'a/b', `${'a'.repeat(64)}.b`, `${'a.'.repeat(130)}a`])
    assert.notEqual(hostFault(bad, false), null, bad)
  for (const bad of ['a*.b', 'a.*', '*a.b']) assert.notEqual(hostFault(bad, true), null, bad)
})
