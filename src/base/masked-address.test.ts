import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCidr } from './cidr.ts'
import { maskedAddress } from './masked-address.ts'

// What an Envoy 1.40 made of them.
const CASES: readonly (readonly [address: string, v4: number, v6: number, range: string])[] = [
  ['10.1.2.3', 24, 64, '10.1.2.0/24'],
  ['10.1.2.3', 32, 128, '10.1.2.3/32'],
  ['255.255.255.255', 1, 0, '128.0.0.0/1'],
  ['10.1.2.3', 0, 0, '0.0.0.0/0'],
  ['2001:db8::1', 24, 64, '2001:db8::/64'],
  ['::1', 24, 64, '::/64'],
  ['2001:db8:0:1:5:6:7:8', 24, 64, '2001:db8:0:1::/64'],
  ['::ffff:1.2.3.4', 24, 64, '::/64'],
  ['2001:abcd:ef01:2345:6789:abcd:ef01:234', 32, 128, '2001:abcd:ef01:2345:6789:abcd:ef01:234/128'],
  ['2001:db8::1:0:0:1', 32, 128, '2001:db8::1:0:0:1/128'],
  ['fe80::1%eth0', 32, 128, 'fe80::1/128'],
  ['nobody', 24, 64, 'nobody'],
]

test('addresses are masked and written as Envoy writes them', () => {
  for (const [address, v4, v6, range] of CASES) assert.equal(maskedAddress(address, v4, v6), range)
})

test('an address is in its own range, and has the range of its range', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6())
  const bits = fc.record({ v4: fc.integer({ min: 0, max: 32 }), v6: fc.integer({ min: 0, max: 128 }) })
  fc.assert(
    fc.property(address, bits, (one, { v4, v6 }) => {
      const [base, length] = maskedAddress(one, v4, v6).split('/') as [string, string]
      assert.ok(parseCidr(base, Number(length))?.contains(one), `${one} in ${base}/${length}`)
      assert.equal(maskedAddress(base, v4, v6), `${base}/${length}`)
    }),
  )
})
