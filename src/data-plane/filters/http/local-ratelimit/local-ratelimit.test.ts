// Statuses, fields and counters as an Envoy 1.40 with the same config gave them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject } from '@bufbuild/protobuf'
import { FakeClock } from '../../../../base/clock.ts'
import { SeededRandom } from '../../../../base/random.ts'
import { packAny } from '../../../../xds/any-pack.ts'
import { LocalRateLimitSchema } from '../../../../xds/generated/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts'
import { FakeStats } from '../../../http/testing/fake-proxy.ts'
import { type FilterStage, filter, routeConfig, withFilters } from '../../../http/testing/filter-stage.ts'
import { RawClient } from '../../../http/testing/raw-client.ts'
import { LOOP_LIMITS } from '../../../process-limits/loop-limits.ts'
import type { MetadataValue } from '../../../stream-metadata.ts'
import { compileRateLimit, compileRouteRateLimit } from './config.ts'

const NAME = 'envoy.filters.http.local_ratelimit'
const TYPE = 'local_ratelimit.v3.LocalRateLimit'
const GRPC = 'content-type: application/grpc\r\n'
const ALWAYS = { defaultValue: { numerator: 100 } }
const bucket = (maxTokens: number, fillInterval = '60s'): JsonObject => ({ maxTokens, fillInterval })
const BASE: JsonObject = {
  statPrefix: 'sp',
  tokenBucket: bucket(1),
  filterEnabled: ALWAYS,
  filterEnforced: ALWAYS,
}
const FIGURES = { enableXRatelimitHeaders: 'DRAFT_VERSION_03' }
const limit = (config: JsonObject = {}): JsonObject[] => [filter(TYPE, { ...BASE, ...config })]

const counts = (stage: FilterStage, prefix = 'sp'): number[] =>
  ['enabled', 'ok', 'rate_limited', 'enforced'].map(name =>
    stage.proxy.stats.value(`${prefix}.http_local_rate_limit.${name}`),
  )

/** Status and figures of one request after the other: `429 1/0/60`. */
async function outcomes(stage: FilterStage, requests: readonly (readonly [path: string, fields?: string])[]) {
  const found: string[] = []
  for (const [path, fields] of requests) {
    const { status, headers } = await stage.get(path, fields)
    const figures = ['limit', 'remaining', 'reset'].map(name => headers[`x-ratelimit-${name}`])
    found.push(figures[0] === undefined ? String(status) : `${status} ${figures.join('/')}`)
  }
  return found
}

test('refuses what is more than the bucket holds, and says how things stand', () => {
  const responseHeadersToAdd = [{ header: { key: 'x-l', value: '%RESPONSE_CODE%' } }]
  return withFilters({ filters: limit({ ...FIGURES, responseHeadersToAdd }) }, async stage => {
    assert.deepEqual(await outcomes(stage, [['/']]), ['200 1/0/60'])
    const refused = await stage.get('/')
    assert.deepEqual([refused.status, refused.body, refused.headers['x-l']], [429, 'local_rate_limited', '0'])
    assert.equal(refused.headers['x-weft-reason'], 'local_rate_limited')
    assert.equal(stage.lastLog, '429 RL local_rate_limited')
    const grpc = await stage.get('/', GRPC)
    assert.deepEqual([grpc.headers['grpc-status'], grpc.headers['grpc-message']], ['14', 'local_rate_limited'])
    assert.equal(grpc.headers['x-ratelimit-limit'], '1')
    assert.deepEqual(counts(stage), [3, 1, 2, 2])
    stage.clock.advance(59_999)
    assert.deepEqual(await outcomes(stage, [['/']]), ['429 1/0/1'])
    stage.clock.advance(1)
    assert.deepEqual(await outcomes(stage, [['/']]), ['200 1/0/60'])
  })
})

test('figures stand behind those that the upstream has told of a limit of its own', () => {
  const answer = (): string => 'HTTP/1.1 200 OK\r\nx-ratelimit-limit: 5\r\ncontent-length: 0\r\n\r\n'
  return withFilters({ filters: limit(FIGURES), answer }, async stage => {
    assert.equal((await stage.get('/')).headers['x-ratelimit-limit'], '5, 1')
  })
})

test('the standard’s fields where the control plane asks for them, beside Envoy’s or alone, and beside others’ own', async () => {
  const chainMetadata = { [NAME]: { standard_headers: true } }
  const descriptors = [
    described({ u: '"jason"' }, { maxTokens: 2, tokensPerFill: 10, fillInterval: '60s' }),
    described({ u: 'fast' }, { maxTokens: 5, tokensPerFill: 100, fillInterval: '1s' }),
    described({ u: 'free' }, { maxTokens: 0xffff_ffff, tokensPerFill: 0xffff_ffff, fillInterval: '1s' }),
  ]
  const own = { rateLimits: HEADER_USER, descriptors, tokenBucket: bucket(9), alwaysConsumeDefaultTokenBucket: false }
  const answer = (): string => 'HTTP/1.1 200 OK\r\nratelimit: "app";r=1\r\ncontent-length: 0\r\n\r\n'
  await withFilters({ filters: limit(own), chainMetadata, answer }, async stage => {
    const told = async (user: string) => {
      const { status, headers } = await stage.get('/', `x-u: ${user}\r\n`)
      return [status, headers['ratelimit-policy'], headers['ratelimit'], headers['x-ratelimit-limit']]
    }
    assert.deepEqual(await told('else'), [200, '"default";q=9;w=540', '"app";r=1, "default";r=8', undefined])
    const policy = '"\\"jason\\"";q=2;w=12'
    assert.deepEqual(await told('"jason"'), [200, policy, '"app";r=1, "\\"jason\\"";r=1', undefined])
    await told('"jason"')
    assert.deepEqual(await told('"jason"'), [429, policy, '"\\"jason\\"";r=0;t=6', undefined])
    assert.deepEqual(await told('fast'), [200, '"fast";q=100;w=1', '"app";r=1, "fast";r=4', undefined])
    assert.deepEqual(await told('free'), [200, undefined, '"app";r=1', undefined])
  })
  await withFilters({ filters: limit(FIGURES), chainMetadata }, async stage => {
    const { headers } = await stage.get('/')
    assert.deepEqual([headers['ratelimit'], headers['x-ratelimit-remaining']], ['"default";r=0;t=60', '0'])
  })
})

test('status and gRPC status as configured; what is no refusal becomes 429', async () => {
  await withFilters(
    { filters: limit({ status: { code: 503 }, rateLimitedAsResourceExhausted: true }) },
    async stage => {
      assert.deepEqual(await outcomes(stage, [['/'], ['/']]), ['200', '503'])
      assert.equal((await stage.get('/', GRPC)).headers['grpc-status'], '8')
    },
  )
  await withFilters({ filters: limit({ status: { code: 200 } }) }, async stage =>
    assert.deepEqual(await outcomes(stage, [['/'], ['/']]), ['200', '429']),
  )
  await withFilters({ filters: limit({ status: { code: 500 } }) }, async stage => {
    await stage.get('/')
    assert.equal((await stage.get('/', GRPC)).headers['grpc-status'], '2')
  })
})

test('neither enabled nor enforced unless it is said; what is not enforced is marked', async () => {
  await withFilters({ filters: [filter(TYPE, { statPrefix: 'sp', tokenBucket: bucket(1) })] }, async stage => {
    assert.deepEqual(await outcomes(stage, [['/'], ['/']]), ['200', '200'])
    assert.deepEqual(counts(stage), [0, 0, 0, 0])
  })
  const config = {
    statPrefix: 'sp',
    tokenBucket: bucket(1),
    filterEnabled: ALWAYS,
    requestHeadersToAddWhenNotEnforced: [{ header: { key: 'x-over', value: '1' } }],
    responseHeadersToAdd: [{ header: { key: 'x-l', value: '1' } }],
  }
  await withFilters({ filters: [filter(TYPE, config)] }, async stage => {
    await stage.get('/')
    assert.equal((await stage.get('/')).headers['x-l'], undefined)
    assert.deepEqual(
      stage.upstream.requests.map(({ fields }) => fields['x-over']),
      [undefined, '1'],
    )
    assert.deepEqual(counts(stage), [2, 1, 1, 0])
  })
})

test('a route has buckets and counters of its own', () => {
  const own = { ...BASE, statPrefix: 'own' }
  const routes = [
    { match: { prefix: '/r' }, route: { cluster: 'c' }, typedPerFilterConfig: { [NAME]: routeConfig(TYPE, own) } },
    { match: { prefix: '/' }, route: { cluster: 'c' } },
  ]
  return withFilters({ filters: limit(), routes }, async stage => {
    assert.deepEqual(await outcomes(stage, [['/r'], ['/r'], ['/'], ['/']]), ['200', '429', '200', '429'])
    assert.deepEqual(
      [counts(stage), counts(stage, 'own')],
      [
        [2, 1, 1, 1],
        [2, 1, 1, 1],
      ],
    )
  })
})

test('each connection has a bucket of its own where it is asked for', () =>
  withFilters({ filters: limit({ localRateLimitPerDownstreamConnection: true }) }, async stage => {
    const request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
    for (let i = 0; i < 2; i++) {
      const client = new RawClient(stage.proxy.port)
      assert.equal((await client.send(request).response()).status, 200)
      assert.equal((await client.send(request).response()).status, 429)
      client.socket.destroy()
    }
  }))

const generic = (descriptorValue: string, descriptorKey: string): JsonObject => ({
  genericKey: { descriptorValue, descriptorKey },
})
const rateLimits = (...lists: JsonObject[][]): JsonObject => ({ rateLimits: lists.map(actions => ({ actions })) })
const to = (prefix: string, action: JsonObject = {}): JsonObject => ({
  match: { prefix },
  route: { cluster: 'c', ...action },
})
const described = (entries: Record<string, string>, tokenBucket: JsonObject): JsonObject => ({
  entries: Object.entries(entries).map(([key, value]) => ({ key, value })),
  tokenBucket,
})

const K = generic('v', 'k')
const USER = { requestHeaders: { headerName: 'x-u', descriptorKey: 'u' } }

test('descriptors: those that match and, after them, the default', () => {
  const descriptors = [described({ k: 'v' }, bucket(1)), described({ k: 'v', u: 'x' }, bucket(2))]
  const options = {
    filters: limit({ ...FIGURES, tokenBucket: bucket(3), descriptors }),
    routes: [to('/a', rateLimits([K])), to('/b', rateLimits([K, USER])), to('/c', rateLimits([K], [K, USER])), to('/')],
  }
  const user = 'x-u: x\r\n'
  return withFilters(options, async stage => {
    assert.deepEqual(
      await outcomes(stage, [['/a'], ['/a'], ['/b', user], ['/b'], ['/c', user], ['/c', user], ['/z']]),
      ['200 1/0/60', '429 1/0/60', '200 2/1/0', '200 3/0/60', '429 1/0/60', '429 1/0/60', '429 3/0/60'],
    )
    assert.deepEqual(counts(stage), [7, 3, 4, 4])
  })
})

test('the default is spared where config says so', () => {
  const options = {
    filters: limit({
      ...FIGURES,
      tokenBucket: bucket(2),
      descriptors: [described({ k: 'v' }, bucket(1))],
      alwaysConsumeDefaultTokenBucket: false,
    }),
    routes: [to('/a', rateLimits([K])), to('/')],
  }
  return withFilters(options, async stage =>
    assert.deepEqual(await outcomes(stage, [['/a'], ['/a'], ['/z'], ['/z'], ['/z']]), [
      '200 1/0/60',
      '429 1/0/60',
      '200 2/1/0',
      '200 2/0/60',
      '429 2/0/60',
    ]),
  )
})

const HOST_CASES: readonly (readonly [option: string, expected: readonly number[]])[] = [
  ['OVERRIDE', [200, 200, 200, 429, 429]],
  ['INCLUDE', [200, 429, 429, 429, 429]],
  ['IGNORE', [200, 200, 200, 200, 200]],
]

for (const [vhRateLimits, expected] of HOST_CASES) {
  test(`the virtual host's rules: ${vhRateLimits}`, () => {
    const options = {
      filters: limit({ vhRateLimits, tokenBucket: bucket(100), descriptors: [described({ vh: '1' }, bucket(1))] }),
      virtualHost: rateLimits([generic('1', 'vh')]),
      routes: [
        to('/own', rateLimits([generic('2', 'rt')])),
        to('/both', { includeVhRateLimits: true, ...rateLimits([generic('2', 'rt')]) }),
        to('/'),
      ],
    }
    return withFilters(options, async stage => {
      // The route that includes them does so whatever the filter's config says.
      const statuses = await outcomes(stage, [['/own'], ['/own'], ['/x'], ['/x'], ['/both']])
      assert.deepEqual(statuses.map(Number), expected)
    })
  })
}

test('every action has its entry, or takes the descriptor back', () => {
  const actions: readonly (readonly [action: JsonObject, key: string, value: string])[] = [
    [{ genericKey: { descriptorValue: 'v' } }, 'generic_key', 'v'],
    [{ destinationCluster: {} }, 'destination_cluster', 'c'],
    [{ remoteAddress: {} }, 'remote_address', '10.0.0.9'],
    [{ requestHeaders: { headerName: ':path', descriptorKey: 'p' } }, 'p', '/?q=1'],
    [{ headerValueMatch: { descriptorValue: 'h', headers: [{ name: 'x-u' }] } }, 'header_match', 'h'],
    [
      { headerValueMatch: { descriptorValue: 'h', expectMatch: false, headers: [{ name: 'x-n' }] } },
      'header_match',
      'h',
    ],
    [{ queryParameterValueMatch: { descriptorValue: 'q', queryParameters: [{ name: 'q' }] } }, 'query_match', 'q'],
  ]
  const absent = { requestHeaders: { headerName: 'x-n', descriptorKey: 'n', skipIfAbsent: true } }
  const none = { headerValueMatch: { descriptorValue: 'h', headers: [{ name: 'x-n' }] } }
  const entries = actions.map(([, key, value]) => ({ key, value }))
  const options = {
    filters: limit({ ...FIGURES, tokenBucket: bucket(9), descriptors: [{ entries, tokenBucket: bucket(7) }] }),
    routes: [
      {
        match: { path: '/', headers: [{ name: 'x-none' }] },
        route: { cluster: 'c', ...rateLimits([...actions.map(([action]) => action), none]) },
      },
      to('/', rateLimits([absent, ...actions.map(([action]) => action)])),
    ],
  }
  const fields = 'x-u: 1\r\nx-forwarded-for: 10.0.0.9\r\n'
  return withFilters(options, async stage =>
    assert.deepEqual(
      await outcomes(stage, [
        ['/?q=1', fields],
        ['/?q=1', `x-none: 1\r\n${fields}`],
      ]),
      ['200 7/6/0', '200 9/7/0'],
    ),
  )
})

const HEADER_USER = [{ actions: [USER] }]
const user = (name: string): readonly [string, string] => ['/', `x-u: ${name}\r\n`]

test('an entry without a value gives each value a bucket, but those that are named; the least used is forgotten', () => {
  const descriptors = [{ entries: [{ key: 'u' }], tokenBucket: bucket(1) }, described({ u: 'x' }, bucket(3))]
  const config = { statPrefix: 'sp', filterEnabled: ALWAYS, filterEnforced: ALWAYS, rateLimits: HEADER_USER }
  const filters = [filter(TYPE, { ...config, ...FIGURES, descriptors, maxDynamicDescriptors: 2 })]
  return withFilters({ filters }, async stage => {
    const asked = ['x', 'x', 'x', 'x', 'a', 'a', 'b', 'b', 'c', 'a', 'c'].map(user)
    assert.deepEqual(await outcomes(stage, [...asked, ['/']]), [
      '200 3/2/0',
      '200 3/1/0',
      '200 3/0/60',
      '429 3/0/60',
      '200 1/0/60',
      '429 1/0/60',
      '200 1/0/60',
      '429 1/0/60',
      '200 1/0/60',
      '200 1/0/60',
      '429 1/0/60',
      '200',
    ])
  })
})

test('a wildcard among several entries, and values that are empty or longer than what is kept of them', () => {
  const actions = [USER, { requestHeaders: { headerName: 'x-w', descriptorKey: 'w' } }]
  const entries = [{ key: 'u' }, { key: 'w', value: '1' }]
  const filters = limit({
    tokenBucket: bucket(99),
    rateLimits: [{ actions }],
    descriptors: [{ entries, tokenBucket: bucket(1) }],
  })
  return withFilters({ filters }, async stage => {
    const long = 'l'.repeat(999)
    const asked = [
      ['q', '1'],
      ['q', '1'],
      ['q', '2'],
      ['q', '2'],
      ['', '1'],
      ['', '1'],
      [long, '1'],
      [long, '1'],
      [`${long}.`, '1'],
    ]
    const requests = asked.map(([u, w]): [string, string] => ['/', `x-u: ${u}\r\nx-w: ${w}\r\n`])
    const statuses = await outcomes(stage, requests)
    assert.deepEqual(statuses.map(Number), [200, 429, 200, 200, 200, 429, 200, 429, 200])
  })
})

test('the config’s own rules stand in the place of the routes’, for what goes to no cluster too', () => {
  const descriptors = [described({ u: 'x' }, bucket(1)), described({ k: 'v' }, bucket(2))]
  const routes = [{ match: { prefix: '/d' }, directResponse: { status: 200 } }, to('/', rateLimits([K]))]
  const filters = limit({ ...FIGURES, stage: 1, tokenBucket: bucket(9), rateLimits: HEADER_USER, descriptors })
  return withFilters({ filters, routes }, async stage =>
    assert.deepEqual(await outcomes(stage, [['/'], ['/d', 'x-u: x\r\n'], user('x')]), [
      '200 9/8/0',
      '200 1/0/60',
      '429 1/0/60',
    ]),
  )
})

test('the proxy’s own cluster, the client’s network, and what earlier filters have said', () => {
  const metadata = (defaultValue: string): JsonObject => ({
    metadata: { descriptorKey: 'm', metadataKey: { key: 'n', path: [{ key: 'a' }] }, defaultValue },
  })
  const masked = { maskedRemoteAddress: { v4PrefixMaskLen: 24 } }
  const entries = [
    { key: 'source_cluster', value: 'own' },
    { key: 'masked_remote_address', value: '10.0.0.0/24' },
    { key: 'm', value: 'd' },
  ]
  const own = [{ actions: [{ sourceCluster: {} }, masked, metadata('d')] }, { actions: [metadata('')] }]
  const descriptors = [{ entries, tokenBucket: bucket(7) }, described({ m: '' }, bucket(1))]
  const filters = limit({ ...FIGURES, tokenBucket: bucket(9), rateLimits: own, descriptors })
  return withFilters({ filters }, async stage =>
    assert.deepEqual(await outcomes(stage, [['/', 'x-forwarded-for: 10.0.0.9\r\n'], ['/']]), [
      '200 7/6/0',
      '200 9/7/0',
    ]),
  )
})

test('a claim of the client’s token; what is no text describes nothing, and no value breaks out of its entry', async () => {
  const path = [{ key: 'payload' }, { key: 'realm' }, { key: 'id' }]
  const own = [{ actions: [{ metadata: { descriptorKey: 'c', metadataKey: { key: 'jwt', path } } }] }]
  const descriptors = [described({ c: 'jason' }, bucket(1)), described({ c: 'a_b' }, bucket(2))]
  const filters = limit({ ...FIGURES, tokenBucket: bucket(9), rateLimits: own, descriptors })
  const asked: [MetadataValue, string][] = [
    ['jason', '200 1/0/60'],
    ['else', '200 9/8/0'],
    [7, '200 9/8/0'],
    ['a\nb', '200 2/1/0'],
  ]
  for (const [id, outcome] of asked)
    await withFilters({ filters, metadata: { jwt: { payload: { realm: { id } } } } }, async stage =>
      assert.deepEqual(await outcomes(stage, [['/']]), [outcome]),
    )
})

test('only rules of the filter’s stage count', () => {
  const rules = [{ stage: 1, actions: [K] }]
  const options = {
    filters: limit({ tokenBucket: bucket(9), descriptors: [described({ k: 'v' }, bucket(1))] }),
    routes: [to('/', { rateLimits: rules })],
  }
  return withFilters(options, async stage => assert.deepEqual(await outcomes(stage, [['/'], ['/']]), ['200', '200']))
})

test('what is wrong is refused by name', () => {
  const host = { clock: new FakeClock(), random: new SeededRandom(1), stats: new FakeStats(), limits: LOOP_LIMITS }
  const problems = (json: JsonObject): (string | undefined)[] => {
    const compiled = compileRateLimit(packAny(LocalRateLimitSchema, fromJson(LocalRateLimitSchema, json)), host)
    return compiled.ok ? [] : compiled.problems.map(({ path }) => path)
  }
  assert.deepEqual(problems({}), ['stat_prefix'])
  assert.deepEqual(problems({ ...BASE, tokenBucket: { fillInterval: '0.049s' } }), [
    'token_bucket.max_tokens',
    'token_bucket.fill_interval',
  ])
  assert.deepEqual(problems({ ...BASE, localClusterRateLimit: {}, stage: 11 }), ['local_cluster_rate_limit', 'stage'])
  const twice = described({ k: 'v' }, bucket(1))
  assert.deepEqual(problems({ ...BASE, descriptors: [twice, twice, { entries: [{ key: 'k' }] }] }), [
    'descriptors[1]',
    'descriptors[2].token_bucket',
  ])
  const route = compileRouteRateLimit(
    packAny(LocalRateLimitSchema, fromJson(LocalRateLimitSchema, { statPrefix: 'a' })),
    host,
  )
  assert.deepEqual(route.ok ? [] : route.problems.map(({ path }) => path), ['token_bucket'])
  const own = [{ stage: 1, disableKey: 'd', actions: [{ metadata: { descriptorKey: 'k', source: 'ROUTE_ENTRY' } }] }]
  assert.deepEqual(problems({ ...BASE, rateLimits: own, maxDynamicDescriptors: 0 }), [
    'max_dynamic_descriptors',
    'rate_limits[0].stage',
    'rate_limits[0].disable_key',
    'rate_limits[0].actions[0].metadata.source',
    'rate_limits[0].actions[0].metadata.metadata_key',
  ])
  assert.deepEqual(problems({ ...BASE, responseHeadersToAdd: [{ header: { key: 'host', value: '' } }] }), [
    'response_headers_to_add[0].header.key',
  ])
})
