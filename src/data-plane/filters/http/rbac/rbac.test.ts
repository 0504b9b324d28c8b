// Statuses, details, counters and metadata as an Envoy 1.40 with the same config gave them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject } from '@bufbuild/protobuf'
import { packAny } from '../../../../xds/any-pack.ts'
import { RBACSchema } from '../../../../xds/generated/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts'
import type { ConnectionInfo, PeerCertificate } from '../../../connection-info.ts'
import { FakeStats } from '../../../http/testing/fake-proxy.ts'
import { type FilterStage, filter, routeConfig, withFilters } from '../../../http/testing/filter-stage.ts'
import { compileRbac } from './config.ts'

const ANY: JsonObject = { any: true }
const NAME = 'envoy.filters.http.rbac'
const rbac = (config: JsonObject): JsonObject => filter('rbac.v3.RBAC', config)
const path = (exact: string): JsonObject => ({ urlPath: { path: { exact } } })
const policy = (permission: JsonObject, principal: JsonObject = ANY): JsonObject => ({
  permissions: [permission],
  principals: [principal],
})

function metadataOf(stage: FilterStage): Record<string, string> {
  const found: Record<string, string> = {}
  for (let entry = stage.proxy.logs.at(-1)!.metadata; entry !== null; entry = entry.before) {
    if (entry.namespace === NAME) found[entry.key] ??= String(entry.value)
  }
  return found
}

test('allows by policy; shadow rules judge and count apart', () => {
  const method = { header: { name: ':method', stringMatch: { exact: 'PUT' } } }
  const config = {
    rules: { policies: { 'b pol': policy(path('/b')), a: policy(method) } },
    rulesStatPrefix: 'rp_',
    shadowRules: { action: 'DENY', policies: { sh: policy({ urlPath: { path: { prefix: '/b' } } }) } },
    shadowRulesStatPrefix: 'pre_',
    trackPerRuleStats: true,
  }
  return withFilters({ filters: [rbac(config)] }, async stage => {
    const denied = await stage.get('/a')
    assert.equal(denied.status, 403)
    assert.equal(denied.body, 'RBAC: access denied')
    assert.equal(denied.headers['x-weft-reason'], 'rbac_access_denied_matched_policy')
    assert.equal(stage.lastLog, '403 - rbac_access_denied_matched_policy[none]')
    assert.equal(stage.proxy.logs.at(-1)!.upstreamCluster, 'c')
    assert.deepEqual(metadataOf(stage), {
      pre_shadow_engine_result: 'allowed',
      rp_enforced_engine_result: 'denied',
    })
    assert.equal((await stage.get('/b?q')).status, 200)
    assert.deepEqual(metadataOf(stage), {
      pre_shadow_effective_policy_id: 'sh',
      pre_shadow_engine_result: 'denied',
      rp_enforced_effective_policy_id: 'b pol',
      rp_enforced_engine_result: 'allowed',
    })
    const grpc = await stage.get('/c', 'content-type: application/grpc\r\n')
    assert.deepEqual([grpc.headers['grpc-status'], grpc.headers['grpc-message']], ['7', 'RBAC: access denied'])
    const { stats } = stage.proxy
    const counts = [
      'rp_.allowed',
      'rp_.denied',
      'rp_.policy.b pol.allowed',
      'pre_.shadow_allowed',
      'pre_.shadow_denied',
    ]
    assert.deepEqual(
      [...counts, 'pre_.policy.sh.shadow_denied'].map(name => stats.value(`http.test.rbac.${name}`)),
      [1, 2, 1, 2, 1, 1],
    )
  })
})

test('denies by policy, named in the log; a route may bring rules of its own, or none', () => {
  const rules = {
    action: 'DENY',
    policies: { 'ns[x]-policy y': policy(path('/b')), a2: policy(path('/b'), { notId: ANY }) },
  }
  const own = { rules: {}, rulesStatPrefix: 'own_', shadowRules: {}, shadowRulesStatPrefix: 'osh_' }
  const to = (prefix: string, config: JsonObject): JsonObject => ({
    match: { prefix },
    route: { cluster: 'c' },
    typedPerFilterConfig: { [NAME]: routeConfig('rbac.v3.RBACPerRoute', config) },
  })
  const routes = [to('/none', {}), to('/own', { rbac: own }), { match: { prefix: '/' }, route: { cluster: 'c' } }]
  return withFilters({ filters: [rbac({ rules })], routes }, async stage => {
    assert.equal((await stage.get('/b')).status, 403)
    assert.equal(stage.lastLog, '403 - rbac_access_denied_matched_policy[ns[x]-policy_y]')
    assert.equal((await stage.get('/ok')).status, 200)
    assert.equal((await stage.get('/none')).status, 200)
    assert.equal(stage.proxy.logs.at(-1)!.metadata, null)
    assert.equal((await stage.get('/own')).status, 403)
    assert.deepEqual(metadataOf(stage), { osh_shadow_engine_result: 'denied', own_enforced_engine_result: 'denied' })
    const value = (name: string): number => stage.proxy.stats.value(`http.test.rbac.${name}`)
    assert.deepEqual(['allowed', 'denied', 'shadow_allowed', 'shadow_denied'].map(value), [1, 2, 0, 1])
  })
})

test("metadata goes by the chain's prefixes where a route's rules bring none", () => {
  const rules = { policies: { all: policy(ANY) } }
  const to = (prefix: string, config: JsonObject): JsonObject => ({
    match: { prefix },
    route: { cluster: 'c' },
    typedPerFilterConfig: {
      [NAME]: routeConfig('rbac.v3.RBACPerRoute', { rbac: { rules, shadowRules: rules, ...config } }),
    },
  })
  const routes = [to('/both', {}), to('/one', { shadowRulesStatPrefix: 'osh_' })]
  const chain = rbac({ rulesStatPrefix: 'rp_', shadowRulesStatPrefix: 'pre_' })
  return withFilters({ filters: [chain], routes }, async stage => {
    for (const [path, shadow] of [
      ['/both', 'pre_'],
      ['/one', 'osh_'],
    ] as const) {
      assert.equal((await stage.get(path)).status, 200)
      assert.deepEqual(metadataOf(stage), {
        [`${shadow}shadow_effective_policy_id`]: 'all',
        [`${shadow}shadow_engine_result`]: 'allowed',
        rp_enforced_effective_policy_id: 'all',
        rp_enforced_engine_result: 'allowed',
      })
    }
  })
})

test('LOG turns nobody away and tells the access log', () =>
  withFilters({ filters: [rbac({ rules: { action: 'LOG', policies: { l: policy(path('/b')) } } })] }, async stage => {
    for (const [url, hint] of [
      ['/b', 'true'],
      ['/c', 'false'],
    ] as const) {
      assert.equal((await stage.get(url)).status, 200)
      assert.equal(stage.proxy.logs.at(-1)!.metadataOf('envoy.common', 'access_log_hint'), hint)
    }
    assert.equal(stage.proxy.stats.value('http.test.rbac.allowed'), 2)
  }))

const peer: PeerCertificate = { uriSan: 'spiffe://a/b', dnsSans: ['dd'], subject: 'CN=x', sha256: '' }
const overTls = { tls: true, requestedServerName: 'a.b' }
const named = (exact: string): JsonObject => ({ authenticated: { principalName: { exact } } })
const range = (addressPrefix: string, prefixLen?: number): JsonObject => ({
  addressPrefix,
  ...(prefixLen !== undefined && { prefixLen }),
})

type Case = readonly [permission: JsonObject, principal: JsonObject, matches: boolean, info?: Partial<ConnectionInfo>]

const CASES: readonly Case[] = [
  [{ andRules: { rules: [ANY, path('/x')] } }, ANY, true],
  [{ andRules: { rules: [ANY, path('/y')] } }, ANY, false],
  [{ orRules: { rules: [path('/y'), path('/x')] } }, ANY, true],
  [{ notRule: path('/x') }, ANY, false],
  [{ header: { name: 'x-k', stringMatch: { exact: 'v' } } }, ANY, true],
  [{ destinationIp: range('127.0.0.1', 32) }, ANY, true],
  [{ destinationIp: range('::', 0) }, ANY, true, { localAddress: '[::1]:80' }],
  [{ destinationPort: 80 }, ANY, true, { localPort: 80 }],
  [{ destinationPortRange: { start: 80, end: 81 } }, ANY, false, { localPort: 81 }],
  [{ requestedServerName: { exact: '' } }, ANY, true],
  [{ requestedServerName: { suffix: '.b' } }, ANY, true, overTls],
  [ANY, { andIds: { ids: [ANY, { notId: ANY }] } }, false],
  [ANY, { orIds: { ids: [{ notId: ANY }, ANY] } }, true],
  [ANY, { urlPath: { path: { exact: '/x' } } }, true],
  [ANY, { header: { name: 'x-k', presentMatch: true, invertMatch: true } }, false],
  [ANY, { sourceIp: range('127.0.0.0', 8) }, true],
  [ANY, { sourceIp: range('127.0.0.1') }, true],
  [ANY, { directRemoteIp: range('10.0.0.0', 8) }, false],
  [ANY, { remoteIp: range('10.0.0.2', 32) }, true],
  [ANY, { authenticated: {} }, false],
  [ANY, { notId: { authenticated: {} } }, true],
  // No certificate was asked for: who came over TLS passes for authenticated, as in Envoy.
  [ANY, { authenticated: {} }, true, overTls],
  [ANY, named('spiffe://a/b'), false],
  [ANY, { authenticated: { principalName: { safeRegex: { regex: '.*' } } } }, true, overTls],
  [ANY, named('spiffe://a/b'), true, { ...overTls, peer }],
  [ANY, named('dd'), true, { ...overTls, peer }],
  [ANY, named('CN=x'), true, { ...overTls, peer }],
  [ANY, named('spiffe://a/c'), false, { ...overTls, peer }],
]

for (const [permission, principal, matches, info] of CASES) {
  test(`${JSON.stringify(permission)} and ${JSON.stringify(principal)}${matches ? '' : ' do not match'}`, () => {
    const rules = { action: 'DENY', policies: { p: policy(permission, principal) } }
    return withFilters({ filters: [rbac({ rules })], ...(info && { info }) }, async stage => {
      const { status } = await stage.get('/x?q', 'x-k: v\r\nx-forwarded-for: 10.1.2.3, 10.0.0.2\r\n')
      assert.equal(status, matches ? 403 : 200)
    })
  })
}

test('what cannot be asked here is refused by name', () => {
  const problems = (json: JsonObject): string[] => {
    const compiled = compileRbac(packAny(RBACSchema, fromJson(RBACSchema, json)), new FakeStats())
    return compiled.ok ? [] : compiled.problems.map(({ code, path }) => `${code} ${path}`)
  }
  const metadata = { filter: 'f', path: [{ key: 'k' }], value: { presentMatch: true } }
  assert.deepEqual(problems({ rules: { policies: { p: policy({ metadata }, { metadata }) } } }), [
    'WEFT-4001 rules.policies["p"].permissions[0].metadata',
    'WEFT-4001 rules.policies["p"].principals[0].metadata',
  ])
  assert.deepEqual(problems({ matcher: {}, rules: { auditLoggingOptions: {} } }), [
    'WEFT-4001 matcher',
    'WEFT-4001 rules.audit_logging_options',
  ])
  assert.deepEqual(problems({ shadowRules: { policies: { p: {} } } }), [
    'WEFT-4002 shadow_rules.policies["p"].permissions',
    'WEFT-4002 shadow_rules.policies["p"].principals',
  ])
  const bad = { permissions: [{}, { any: false }, { destinationIp: range('x') }, { destinationPort: 70_000 }] }
  assert.deepEqual(problems({ rules: { policies: { p: { ...bad, principals: [ANY] } } } }), [
    'WEFT-4002 rules.policies["p"].permissions[0]',
    'WEFT-4002 rules.policies["p"].permissions[1].any',
    'WEFT-4002 rules.policies["p"].permissions[2].destination_ip',
    'WEFT-4002 rules.policies["p"].permissions[3].destination_port',
  ])
})
