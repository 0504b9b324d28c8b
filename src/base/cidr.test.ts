import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCidr } from './cidr.ts'

const inside = (range: string, length: number, address: string): boolean => parseCidr(range, length)!.contains(address)

test('a range holds the addresses that begin as it does', () => {
  assert.equal(inside('10.1.2.3', 8, '10.9.9.9'), true)
  assert.equal(inside('10.1.2.3', 8, '11.0.0.0'), false)
  assert.equal(inside('2001:db8::', 32, '2001:db8:1::'), true)
  assert.equal(inside('2001:db8::', 32, '2001:db9::'), false)
  assert.equal(inside('0.0.0.0', 0, '255.255.255.255'), true)
  assert.equal(inside('10.0.0.0', 8, 'nobody'), false)
})

test('and only those of its family, whichever an IPv4 address would be in the other (Envoy)', () => {
  for (const length of [0, 8, 95]) assert.equal(inside('::', length, '127.0.0.1'), false)
  assert.equal(inside('::ffff:10.0.0.0', 104, '10.0.0.1'), false)
  assert.equal(inside('10.0.0.0', 8, '::ffff:10.0.0.1'), false)
  assert.equal(inside('::', 0, '::1'), true)
})

test('what is no range is none', () => {
  for (const [address, length] of [
    ['10.0.0', 8],
    ['10.0.0.0', 33],
    ['::', 129],
    ['10.0.0.0', -1],
    ['10.0.0.0', 1.5],
  ] as const)
    assert.equal(parseCidr(address, length), null)
})
