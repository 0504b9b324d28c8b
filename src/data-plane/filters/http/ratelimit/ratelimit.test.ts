// Statuses, fields, flags and counters as an Envoy 1.40 with the same config gave them, asking the same service.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject } from '@bufbuild/protobuf'
import { packAny } from '../../../../xds/any-pack.ts'
import {
  RateLimitPerRouteSchema,
  RateLimitSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit_pb.ts'
import {
  RateLimitResponse_Code as Code,
  RateLimitResponse_RateLimit_Unit as Unit,
} from '../../../../xds/generated/envoy/service/ratelimit/v3/rls_pb.ts'
import { FakeStats, fakeHost } from '../../../http/testing/fake-proxy.ts'
import {
  type FilterStage,
  filter,
  routeConfig,
  type StageOptions,
  withFilters,
} from '../../../http/testing/filter-stage.ts'
import { RawClient } from '../../../http/testing/raw-client.ts'
import { compileRateLimit, compileRouteRateLimits } from './config.ts'
import { type Answer, type FakeService, fakeService } from './testing/fake-service.ts'

const NAME = 'envoy.filters.http.ratelimit'
const TYPE = 'ratelimit.v3.RateLimit'
const GRPC = 'content-type: application/grpc\r\n'
const SERVICE: JsonObject = {
  transportApiVersion: 'V3',
  grpcService: { envoyGrpc: { clusterName: 'rls' }, initialMetadata: [{ key: 'X-MD', value: 'm' }] },
}
const BASE: JsonObject = { domain: 'd', timeout: '0.3s', rateLimitService: SERVICE }
const USER: JsonObject = { requestHeaders: { headerName: 'x-u', descriptorKey: 'u' } }
const generic = (descriptorValue: string): JsonObject => ({ genericKey: { descriptorValue } })
const OWN: JsonObject = { rateLimits: [{ actions: [USER] }] }
const ANSWERS: Readonly<Record<string, Answer>> = {
  ok: {
    overallCode: Code.OK,
    statuses: [
      {
        code: Code.OK,
        currentLimit: { requestsPerUnit: 10, unit: Unit.MINUTE, name: 'n1' },
        limitRemaining: 3,
        durationUntilReset: { seconds: 5n },
      },
      {
        code: Code.OK,
        currentLimit: { requestsPerUnit: 4, unit: Unit.SECOND },
        limitRemaining: 1,
        durationUntilReset: { seconds: 1n, nanos: 500_000_000 },
      },
      { code: Code.OK },
    ],
    responseHeadersToAdd: [
      { key: 'X-From', value: 'a' },
      { key: ':status', value: '1' },
      { key: 'x-split', value: 'a\r\nb: c' },
    ],
    requestHeadersToAdd: [{ key: 'x-req', value: 'b' }],
  },
  over: {
    overallCode: Code.OVER_LIMIT,
    statuses: [
      {
        code: Code.OVER_LIMIT,
        currentLimit: { requestsPerUnit: 10, unit: Unit.MINUTE },
        durationUntilReset: { seconds: 7n },
      },
    ],
    responseHeadersToAdd: [
      { key: 'x-from', value: 'a' },
      { key: 'content-type', value: 'application/json' },
    ],
    rawBody: Buffer.from('{"no":1}'),
  },
  plain: { overallCode: Code.OVER_LIMIT },
  unknown: {},
  never: 'never',
  error: 'error',
}

interface Scene {
  readonly stage: FilterStage
  readonly service: FakeService
  get(user: string, path?: string, fields?: string): ReturnType<FilterStage['get']>
  counts(prefix?: string): number[]
}

async function withService(
  config: JsonObject,
  options: Partial<StageOptions>,
  use: (scene: Scene) => Promise<void>,
): Promise<void> {
  const service = await fakeService(({ descriptors }) => {
    const value = descriptors[0]?.entries[0]?.value ?? ''
    return ANSWERS[value] ?? { overallCode: Code.OK }
  })
  const filters = [filter(TYPE, { ...BASE, ...config })]
  try {
    await withFilters({ clusters: [service.cluster], ...options, filters }, stage =>
      use({
        stage,
        service,
        get: (user, path = '/', fields = '') => stage.get(path, `x-u: ${user}\r\n${fields}`),
        counts: (prefix = '') =>
          ['ok', 'over_limit', 'error', 'failure_mode_allowed'].map(name =>
            stage.proxy.stats.value(`cluster.c.ratelimit.${prefix}${name}`),
          ),
      }),
    )
    assert.equal(service.cluster.stats.upstreamRqActive.value, 0)
  } finally {
    service.close()
  }
}

const figures = (headers: Readonly<Record<string, string | undefined>>): (string | undefined)[] =>
  ['limit', 'remaining', 'reset'].map(name => headers[`x-ratelimit-${name}`])

test('what the service says is done, and told', () => {
  const responseHeadersToAdd = [{ header: { key: 'x-conf', value: '1' } }]
  const config = { ...OWN, enableXRatelimitHeaders: 'DRAFT_VERSION_03', responseHeadersToAdd }
  return withService(config, {}, async ({ stage, service, get, counts }) => {
    const passed = await get('ok')
    assert.deepEqual([passed.status, passed.headers['x-from'], passed.headers['x-split']], [200, 'a', undefined])
    assert.deepEqual(figures(passed.headers), ['4, 10;w=60;name="n1", 4;w=1', '1', '1'])
    assert.equal(stage.upstream.requests[0]?.fields['x-req'], 'b')
    const refused = await get('over')
    assert.deepEqual([refused.status, refused.body, stage.lastLog], [429, '{"no":1}', '429 RL request_rate_limited'])
    assert.deepEqual(
      ['x-from', 'content-type', 'x-envoy-ratelimited', 'x-conf', 'x-weft-reason'].map(name => refused.headers[name]),
      ['a', 'application/json', 'true', '1', 'request_rate_limited'],
    )
    assert.deepEqual(figures(refused.headers), ['10, 10;w=60', '0', '7'])
    assert.deepEqual((await get('plain')).status, 429)
    assert.equal((await get('unknown')).status, 200)
    assert.equal((await stage.get('/')).status, 200)
    const grpc = await get('plain', '/', GRPC)
    assert.deepEqual(
      [grpc.status, grpc.headers['grpc-status'], grpc.headers['x-envoy-ratelimited']],
      [200, '14', 'true'],
    )
    assert.deepEqual(counts(), [2, 3, 0, 0])
    assert.deepEqual(service.asked, ['d: u=ok', 'd: u=over', 'd: u=plain', 'd: u=unknown', 'd: u=plain'])
    assert.equal(service.metadata[0]?.['x-md'], 'm')
    assert.equal(service.cluster.stats.upstreamRqTotal.value, 5)
  })
})

test('clients are told by the standard’s fields of all limits, where the control plane asks for it', () => {
  const chainMetadata = { [NAME]: { standard_headers: true } }
  return withService(OWN, { chainMetadata }, async ({ get }) => {
    const told = async (user: string) => {
      const { headers } = await get(user)
      return [headers['ratelimit-policy'], headers['ratelimit'], headers['x-ratelimit-limit']]
    }
    assert.deepEqual(await told('ok'), [
      '"n1";q=10;w=60, "default";q=4;w=1',
      '"n1";r=3;t=5, "default";r=1;t=1',
      undefined,
    ])
    assert.deepEqual(await told('over'), ['"default";q=10;w=60', '"default";r=0;t=7', undefined])
    assert.deepEqual(await told('plain'), [undefined, undefined, undefined])
  })
})

test('without an answer requests pass, unless config denies them', async () => {
  await withService(OWN, {}, async ({ stage, service, get, counts }) => {
    assert.equal((await get('error')).status, 200)
    const late = get('never')
    await service.reached(2)
    stage.clock.advance(305)
    assert.equal((await late).status, 200)
    assert.deepEqual(counts(), [0, 0, 2, 2])
    await service.reached(3) // the call is given up, not left
  })
  const denying = {
    failureModeDeny: true,
    rateLimitedStatus: { code: 503 },
    disableXEnvoyRatelimitedHeader: true,
    rateLimitedAsResourceExhausted: true,
    statPrefix: 'sp',
    ...OWN,
  }
  await withService(denying, {}, async ({ stage, get, counts }) => {
    const refused = await get('plain')
    assert.deepEqual([refused.status, refused.headers['x-envoy-ratelimited']], [503, undefined])
    assert.equal((await get('error')).status, 500)
    assert.equal(stage.lastLog, '500 RLSE rate_limiter_error')
    assert.equal((await get('plain', '/', GRPC)).headers['grpc-status'], '8')
    assert.equal((await get('error', '/', GRPC)).headers['grpc-status'], '2')
    assert.deepEqual(counts('sp.'), [0, 2, 2, 0])
  })
  await withService({ ...denying, statusOnError: { code: 418 } }, { clusters: [] }, async ({ get }) =>
    assert.equal((await get('ok')).status, 418, 'no such cluster'),
  )
})

test('the body waits with the head, and a client that goes takes its question along', () =>
  withService(OWN, {}, async ({ stage, service }) => {
    const post = (user: string): string => `POST / HTTP/1.1\r\nhost: a\r\nx-u: ${user}\r\ncontent-length: 4\r\n\r\nbody`
    assert.equal((await stage.send(post('ok'))).status, 200)
    assert.equal(stage.upstream.requests[0]?.body, 'body')
    const client = new RawClient(stage.proxy.port)
    client.send('GET / HTTP/1.1\r\nhost: a\r\nx-u: never\r\n\r\n')
    await service.reached(2)
    client.socket.destroy()
    await service.reached(3)
    assert.equal(service.cancelled, 1)
  }))

test('which rules are asked for: the route’s word to the filter, the filter’s own, the route’s, its virtual host’s', async () => {
  const says = (config: JsonObject): JsonObject => ({
    typedPerFilterConfig: { [NAME]: routeConfig('ratelimit.v3.RateLimitPerRoute', config) },
  })
  const to = (prefix: string, action: JsonObject = {}, rest: JsonObject = {}): JsonObject => ({
    match: { prefix },
    route: { cluster: 'c', ...action },
    ...rest,
  })
  const rules = { rateLimits: [{ actions: [USER, generic('route')] }, { stage: 1, actions: [generic('s1')] }] }
  const options = {
    virtualHost: { rateLimits: [{ actions: [generic('host')] }] },
    routes: [
      { match: { prefix: '/direct' }, directResponse: { status: 200 } },
      to('/per', rules, says({ domain: 'other', rateLimits: [{ actions: [generic('per')] }] })),
      to('/both', rules, says({ vhRateLimits: 'INCLUDE' })),
      to('/none', {}, says({ vhRateLimits: 'IGNORE' })),
      to('/route', rules),
      to('/'),
    ],
  }
  const paths = ['/direct', '/per', '/both', '/none', '/route', '/']
  const asked = async (config: JsonObject): Promise<string[]> => {
    let found: string[] = []
    await withService(config, options, async ({ service, get }) => {
      for (const path of paths) assert.equal((await get('x', path)).status, 200)
      found = service.asked
    })
    return found
  }
  assert.deepEqual(await asked({}), [
    'other: generic_key=per',
    'd: u=x,generic_key=route; generic_key=host',
    'd: u=x,generic_key=route',
    'd: generic_key=host',
  ])
  assert.deepEqual(await asked(OWN), ['other: generic_key=per', 'd: u=x', 'd: u=x', 'd: u=x', 'd: u=x'])
})

test('what is wrong is refused by name', () => {
  const host = { filterName: NAME, connectionManagerStats: new FakeStats(), proxy: fakeHost({}, new FakeStats(), []) }
  const problems = (json: JsonObject): (string | undefined)[] => {
    const compiled = compileRateLimit(packAny(RateLimitSchema, fromJson(RateLimitSchema, json)), host)
    return compiled.ok ? [] : compiled.problems.map(({ path }) => path)
  }
  assert.deepEqual(problems({}), ['domain', 'rate_limit_service', 'rate_limit_service.grpc_service'])
  assert.deepEqual(problems({ ...BASE, requestType: 'internal', stage: 11 }), ['stage', 'request_type'])
  const google = { googleGrpc: { targetUri: 'a', statPrefix: 'b' }, timeout: '1s' }
  assert.deepEqual(problems({ ...BASE, rateLimitService: { grpcService: google } }), [
    'rate_limit_service.transport_api_version',
    'rate_limit_service.grpc_service.google_grpc',
    'rate_limit_service.grpc_service.timeout',
  ])
  const route = packAny(
    RateLimitPerRouteSchema,
    fromJson(RateLimitPerRouteSchema, { overrideOption: 'OVERRIDE_POLICY' }),
  )
  const compiled = compileRouteRateLimits(route)
  assert.deepEqual(compiled.ok ? [] : compiled.problems.map(({ path }) => path), ['override_option'])
})
