// Who the client is, as far as the proxies before this one are believed.
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { FIELD } from '../../transport/http/field-name.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import { setForwardedHeaders, trustedClient } from './forwarded-headers.ts'
import { connectionInfo } from './testing/fake-proxy.ts'

function client(forwardedFor: string, useRemoteAddress: boolean, trustedHops: number): string {
  const config = {
    useRemoteAddress,
    trustedHops,
    skipForwardedForAppend: false,
    appendForwardedPort: false,
    scheme: '',
  }
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

test('a scheme is http or https, whatever the request says, and what is trusted stands in for any other', () => {
  const config = {
    useRemoteAddress: false,
    trustedHops: 0,
    skipForwardedForAppend: false,
    appendForwardedPort: false,
    scheme: '',
  }
  const schemeOf = (scheme: string, headers: string[]): string => {
    const head: RequestHead = { method: 'GET', path: '/', authority: 'a', scheme, headers, protocol: '' }
    setForwardedHeaders(head, headers.length > 0 ? FIELD.forwardedProto : 0, connectionInfo(1, new Socket()), config)
    return head.scheme
  }
  for (const [scheme, set] of [
    ['', 'http'],
    ['ftp', 'http'],
    ['HTTP', 'http'],
    ['HTTPS', 'https'],
    ['https', 'https'],
  ]) {
    assert.equal(schemeOf(scheme!, []), set)
  }
  assert.equal(schemeOf('ftp', ['x-forwarded-proto', 'https']), 'https')
  assert.equal(schemeOf('http', ['x-forwarded-proto', 'https']), 'http')
})

test('a scheme that config has set is what all are told', () => {
  const config = { useRemoteAddress: true, trustedHops: 0, skipForwardedForAppend: true, appendForwardedPort: false }
  const headers = ['x-forwarded-proto', 'http']
  const head: RequestHead = { method: 'GET', path: '/', authority: 'a', scheme: 'http', headers, protocol: '' }
  const connection = connectionInfo(1, new Socket())
  setForwardedHeaders(head, FIELD.forwardedProto, connection, { ...config, scheme: 'https' })
  assert.deepEqual([head.scheme, head.headers.slice(0, 2)], ['https', ['x-forwarded-proto', 'https']])
})

test('what is no address, or not there, is who connects', () => {
  for (const forwardedFor of ['', 'nobody', '1.1.1.1:5', ' ']) assert.equal(client(forwardedFor, false, 0), '')
  assert.equal(client('1.1.1.1', false, 1), '')
})
