// Retry policies, and upstreams that fail so that they matter.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { Answer } from '../http1/answer.ts'
import type { Arbitrary } from './words.ts'

const CONDITIONS = [
  '5xx',
  'gateway-error',
  'reset',
  'connect-failure',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'envoy-ratelimited',
  'unavailable',
  'cancelled',
] as const

export const retryPolicy: Arbitrary<JsonObject> = fc
  .record({
    conditions: fc.uniqueArray(fc.constantFrom(...CONDITIONS), { minLength: 1, maxLength: 3 }),
    attempts: fc.constantFrom(undefined, 0, 1, 2, 3),
    codes: fc.constantFrom<number[][]>([], [404], [409, 418], [200]),
  })
  .map(
    ({ conditions, attempts, codes }): JsonObject => ({
      retry_on: conditions.join(','),
      ...(attempts === undefined ? {} : { num_retries: attempts }),
      ...(codes.length === 0 ? {} : { retriable_status_codes: codes }),
      retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' },
    }),
  )

export const failure: Arbitrary<Answer> = fc.oneof(
  fc.constantFrom(500, 502, 503, 504, 404, 409, 418, 429, 200).map(status => ({ status })),
  fc.constantFrom('before', 'head', 'body').map(cut => ({ cut }) as Answer),
  fc.constantFrom<Answer[]>(
    { status: 503, fields: [['x-envoy-ratelimited', 'true']] },
    {
      status: 200,
      fields: [
        ['grpc-status', '14'],
        ['content-type', 'application/grpc'],
      ],
      body: '',
    },
    { status: 500, interim: [103] },
    { raw: 'nonsense\r\n\r\n' },
  ),
)

/** Failures first, and what comes of the tries after them. */
export const answers: Arbitrary<readonly Answer[]> = fc
  .array(failure, { minLength: 1, maxLength: 3 })
  .map(list => [...list, {}])
