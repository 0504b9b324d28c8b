import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Client, credentials, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js'
import { FakeClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { parseConfig } from '../../translate/parse-config.ts'
import {
  RateLimitResponse_Code as Code,
  RateLimitRequestSchema,
  type RateLimitResponse,
  RateLimitService,
} from '../../xds/generated/envoy/service/ratelimit/v3/rls_pb.ts'
import { grpcServiceDefinition } from '../../xds/grpc-service-definition.ts'
import { Metrics } from '../status/metrics.ts'
import type { CounterStore } from './counter-store.ts'
import { LimitTable } from './limit-table.ts'
import { MemoryCounters } from './memory-counters.ts'
import { rateLimitService } from './rate-limit-service.ts'

const CONFIG = `apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: {name: l}
spec:
  scope: global
  rules:
  - {name: all, limit: {requests: 3, per: second, burst: 2}}
  - name: users
    by: [{header: u}, {clientAddress: {}}]
    limit: {requests: 1, per: minute}
    overrides:
    - {values: [x, 1.1.1.1], limit: {requests: 2, per: hour}}
    - {values: [y, 1.1.1.1], unlimited: true}
  - {by: [{header: u}], overrides: [{values: [x], limit: {requests: 1, per: day}}]}
---
apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: {name: local}
spec: {rules: [{name: all, limit: {requests: 1, per: day}}]}
`

type Ask = (request: MessageInitShape<typeof RateLimitRequestSchema>) => Promise<RateLimitResponse | ServiceError>

async function withService(
  counters: (clock: FakeClock) => CounterStore,
  use: (ask: Ask, clock: FakeClock) => Promise<void>,
) {
  const { objects, problems } = parseConfig([{ file: 'a', text: CONFIG }], { defaultNamespace: 'n' })
  assert.deepEqual(problems, [])
  const limits = new LimitTable(objects)
  const clock = new FakeClock()
  const definition = grpcServiceDefinition(RateLimitService)
  const server = new Server()
  const parts = { limits: () => limits, counters: counters(clock), log: silentLog, metrics: new Metrics() }
  server.addService(definition, rateLimitService(parts))
  const port = await new Promise<number>((done, fail) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? fail(error) : done(bound),
    ),
  )
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const { path, requestSerialize, responseDeserialize } = definition['ShouldRateLimit']!
  const ask: Ask = request =>
    new Promise(done => {
      const message = create(RateLimitRequestSchema, { domain: 'weft', ...request })
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, (error, response) =>
        done(error ?? (response as RateLimitResponse)),
      )
    })
  try {
    await use(ask, clock)
  } finally {
    client.close()
    server.forceShutdown()
  }
}

const described = (rule: string, entries: Record<string, string> = {}) => ({
  entries: [{ key: 'rule', value: `n/${rule}` }, ...Object.entries(entries).map(([key, value]) => ({ key, value }))],
})

function outcome(answer: RateLimitResponse | ServiceError): string {
  if (answer instanceof Error) return `${answer.code}`
  const each = answer.statuses.map(({ code, currentLimit, limitRemaining, durationUntilReset }) =>
    currentLimit === undefined
      ? `${code}`
      : `${code} ${currentLimit.requestsPerUnit}/${currentLimit.unit} ${limitRemaining} ${durationUntilReset?.seconds}`,
  )
  return `${answer.overallCode === Code.OK ? 'ok' : 'over'}: ${each.join(', ')}`
}

test('each descriptor has the limit of its rule, or that of the values it names', () =>
  withService(
    clock => new MemoryCounters(clock),
    async (ask, clock) => {
      const user = (u: string) => described('l/users', { u, remote_address: '1.1.1.1' })
      const outcomes: string[] = []
      for (const descriptors of [
        [described('l/all')],
        [described('l/all'), user('a')],
        [described('l/all'), user('a')],
        [user('x'), user('y'), user('b')],
        [user('x'), described('l/2', { u: 'x' }), described('l/2', { u: 'z' })],
        [described('local/all'), described('l/users', { u: 'a' }), described('l/gone'), { entries: [] }],
      ])
        outcomes.push(outcome(await ask({ descriptors })))
      assert.deepEqual(outcomes, [
        'ok: 1 3/1 1 0',
        'ok: 1 3/1 0 1, 1 1/2 0 60',
        'over: 2 3/1 0 1, 2 1/2 0 60',
        'ok: 1 2/3 1 0, 1, 1 1/2 0 60',
        'ok: 1 2/3 0 1800, 1 1/4 0 86400, 1',
        'ok: 1, 1, 1, 1',
      ])
      clock.advance(334)
      assert.equal(outcome(await ask({ descriptors: [described('l/all')], hitsAddend: 2 })), 'over: 2 3/1 1 0')
      assert.equal(outcome(await ask({ descriptors: [described('l/all')] })), 'ok: 1 3/1 0 1')
    },
  ))

test('what the service cannot judge, it says; and when its counters are gone, too', async () => {
  await withService(
    clock => new MemoryCounters(clock),
    async ask => {
      const one = described('l/all')
      const bad = [
        { domain: 'other', descriptors: [one] },
        { descriptors: [] },
        { descriptors: new Array(65).fill(one) },
        { descriptors: [{ ...one, limit: { requestsPerUnit: 9 } }] },
      ]
      for (const request of bad) assert.equal(outcome(await ask(request)), String(status.INVALID_ARGUMENT))
    },
  )
  const gone: CounterStore = { take: () => Promise.reject(new Error('gone')), close: async () => {} }
  await withService(
    () => gone,
    async ask => assert.equal(outcome(await ask({ descriptors: [described('l/all')] })), String(status.UNAVAILABLE)),
  )
})
