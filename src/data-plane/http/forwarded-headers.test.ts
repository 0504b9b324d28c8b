// Who the client is, as far as the proxies before this one are believed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { trustedClient } from './forwarded-headers.ts'

function client(forwardedFor: string, useRemoteAddress: boolean, trustedHops: number): string {
  const config = { useRemoteAddress, trustedHops, skipForwardedForAppend: false, appendForwardedPort: false }
  return trustedClient(forwardedFor === '' ? [] : ['x-forwarded-for', forwardedFor], config)
}

test('away from the edge the last address is believed, and one before it for each trusted hop', () => {
  assert.equal(client('1.1.1.1, 2.2.2.2', false, 0), '2.2.2.2')
  assert.equal(client('1.1.1.1,2.2.2.2', false, 1), '1.1.1.1')
  assert.equal(client('::1', false, 0), '::1')
})

test('at the edge nobody is, but for trusted hops', () => {
  assert.equal(client('1.1.1.1', true, 0), '')
  assert.equal(client('1.1.1.1,2.2.2.2', true, 1), '2.2.2.2')
})

test('what is no address, or not there, is who connects', () => {
  for (const forwardedFor of ['', 'nobody', '1.1.1.1:5', ' ']) assert.equal(client(forwardedFor, false, 0), '')
  assert.equal(client('1.1.1.1', false, 1), '')
})
