import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Uint64 } from '../../base/uint64.ts'
import { xxHash64 } from '../../base/xx-hash64.ts'
import type { HeaderList } from '../../transport/header-list.ts'
import { RouteAction_HashPolicySchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { StreamInfo } from '../stream-info.ts'
import { compileHashPolicy } from './hash-policy.ts'
import type { HashedRequest } from './route-entry.ts'

type Policy = MessageInitShape<typeof RouteAction_HashPolicySchema>

const CONNECTION = {
  localAddress: '127.0.0.1:80',
  remoteAddress: '10.0.0.9:5555',
  remoteIp: '10.0.0.9',
} as ConnectionInfo

function request(headers: HeaderList, path = '/'): HashedRequest {
  const head = { method: 'GET', path, authority: 'came', scheme: 'http', headers, protocol: '' }
  return { head, path, authority: 'sent', setCookies: null }
}

function hashOf(policies: readonly Policy[], asked: HashedRequest, clientIp = ''): string | null {
  const check = new ResourceCheck('')
  const messages = policies.map(policy => create(RouteAction_HashPolicySchema, policy))
  const compiled = compileHashPolicy(messages, 'hash_policy', check)
  assert.deepEqual(check.problems, [])
  const info = new StreamInfo(CONNECTION, 0, 0)
  info.clientIp = clientIp
  return compiled?.generate(asked, info)?.toHex() ?? null
}

function problemsOf(...policies: Policy[]): string[] {
  const check = new ResourceCheck('')
  compileHashPolicy(
    policies.map(policy => create(RouteAction_HashPolicySchema, policy)),
    'hash_policy',
    check,
  )
  return check.problems.map(({ path }) => path ?? '')
}

const sum = (text: string): string => xxHash64(new Uint64(), text).toHex()
const header = (headerName: string, rest: Policy = {}): Policy => ({
  policySpecifier: { case: 'header', value: { headerName } },
  ...rest,
})
const cookie = (value: object): Policy => ({ policySpecifier: { case: 'cookie', value: { name: 'sess', ...value } } })
const QUERY: Policy = { policySpecifier: { case: 'queryParameter', value: { name: 'u' } } }
const SOURCE_IP: Policy = { policySpecifier: { case: 'connectionProperties', value: { sourceIp: true } } }

test('a header, whatever case its name is written in; nothing where there is none', () => {
  assert.equal(hashOf([header('X-User')], request(['x-user', 'ann'])), sum('ann'))
  assert.equal(hashOf([header('x-user')], request(['x-other', 'ann'])), null)
})

test('of several values, the order does not count', () => {
  const hash = (...values: string[]) => hashOf([header('x-user')], request(values.flatMap(value => ['x-user', value])))
  assert.equal(hash('a', 'b'), hash('b', 'a'))
  assert.notEqual(hash('a', 'b'), hash('a', 'c'))
  assert.notEqual(hash('a', 'b'), hash('a,b'))
})

test('a header rewritten by a regex; pseudo-headers as they are sent', () => {
  const rewrite: Policy = {
    policySpecifier: {
      case: 'header',
      value: { headerName: 'x-user', regexRewrite: { pattern: { regex: '[0-9]+$' }, substitution: '' } },
    },
  }
  assert.equal(hashOf([rewrite], request(['x-user', 'ann42'])), sum('ann'))
  assert.equal(hashOf([header(':authority')], request([])), sum('sent'))
  assert.equal(hashOf([header(':method')], request([])), sum('GET'))
})

test('a query parameter: the first, empty too', () => {
  assert.equal(hashOf([QUERY], request([], '/?a=b&u=x&u=y')), sum('x'))
  assert.equal(hashOf([QUERY], request([], '/?u=')), sum(''))
  assert.equal(hashOf([QUERY], request([], '/?v=x')), null)
})

test('the client: who connects, or whom a trusted proxy names', () => {
  assert.equal(hashOf([SOURCE_IP], request([])), sum('10.0.0.9'))
  assert.equal(hashOf([SOURCE_IP], request([]), '1.2.3.4'), sum('1.2.3.4'))
})

test('a cookie is found among others, without its quotes', () => {
  const asked = request(['cookie', 'a=b; xsess=no', 'cookie', 'x; sess="abc"; sess=later'])
  assert.equal(hashOf([cookie({})], asked), sum('abc'))
  assert.equal(hashOf([cookie({ ttl: { seconds: 5n } })], asked), sum('abc'))
  assert.equal(asked.setCookies, null)
})

test('a cookie that is missing is made only where a ttl is given, of the connection', () => {
  assert.equal(hashOf([cookie({})], request([])), null)
  const asked = request([])
  const made = sum('10.0.0.9:5555127.0.0.1:80')
  const full = { ttl: { seconds: 60n, nanos: 5 }, path: '/p', attributes: [{ name: 'SameSite', value: 'Lax' }] }
  assert.equal(hashOf([cookie(full)], asked), sum(made))
  assert.deepEqual(asked.setCookies, [`sess="${made}"; Max-Age=60; Path=/p; SameSite=Lax; HttpOnly`])
  const session = request(['cookie', 'sess='])
  hashOf([cookie({ ttl: {} })], session)
  assert.deepEqual(session.setCookies, [`sess="${made}"; HttpOnly`])
})

test('parts that are alike do not cancel out, and a terminal one ends the list', () => {
  const asked = () => request(['x-user', 'ann'], '/?u=x')
  assert.notEqual(hashOf([header('x-user'), header('x-user')], asked()), '0000000000000000')
  assert.notEqual(hashOf([header('x-user'), QUERY], asked()), hashOf([QUERY, header('x-user')], asked()))
  assert.equal(hashOf([header('x-user', { terminal: true }), QUERY], asked()), sum('ann'))
  assert.equal(hashOf([header('x-none', { terminal: true }), QUERY], asked()), sum('x'))
})

test('what cannot be hashed is refused by name', () => {
  assert.deepEqual(
    problemsOf(
      {},
      { policySpecifier: { case: 'filterState', value: { key: 'k' } } },
      header(''),
      cookie({ name: 'a b', path: '/;x', attributes: [{ name: 'a', value: 'b\r\n' }] }),
      { policySpecifier: { case: 'queryParameter', value: {} } },
    ),
    [
      'hash_policy[0]',
      'hash_policy[1].filter_state',
      'hash_policy[2].header.header_name',
      'hash_policy[3].cookie.name',
      'hash_policy[3].cookie.path',
      'hash_policy[3].cookie.attributes[0].value',
      'hash_policy[4].query_parameter.name',
    ],
  )
})
