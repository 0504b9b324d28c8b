// The rate limit service's messages, from and to what the filter has.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { toByteString } from '../../../../automata/regex.ts'
import type { HeaderList } from '../../../../transport/header-list.ts'
import type { HeaderValue } from '../../../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  RateLimitRequestSchema,
  type RateLimitResponse,
  RateLimitResponse_Code,
  RateLimitResponseSchema,
  RateLimitResponse_RateLimit_Unit as Unit,
} from '../../../../xds/generated/envoy/service/ratelimit/v3/rls_pb.ts'
import { hasControl } from '../../../route/control-character.ts'
import { policyItem, quoted, standingItem } from '../../../route/rate-limit-fields.ts'

export interface ServiceAnswer {
  readonly isOverLimit: boolean
  readonly responseHeaders: HeaderList
  readonly requestHeaders: HeaderList
  readonly body: Buffer
  /** x-ratelimit-limit, -remaining and -reset of the limit that is nearest; null when no limit was named. */
  readonly figures: readonly [limit: string, remaining: string, reset: string] | null
  /** RateLimit-Policy and RateLimit of all limits; empty when no limit was named. */
  readonly policies: string
  readonly standings: string
}

/** Seconds; a unit that is not there has none. */
const WINDOW: Readonly<Partial<Record<Unit, number>>> = {
  [Unit.SECOND]: 1,
  [Unit.MINUTE]: 60,
  [Unit.HOUR]: 3600,
  [Unit.DAY]: 86_400,
  [Unit.MONTH]: 2_592_000,
  [Unit.YEAR]: 31_536_000,
}

/** `descriptors` as rules write them: `key\nvalue\r` for each entry. */
export function encodeRequest(domain: string, descriptors: readonly string[]): Uint8Array {
  const message = create(RateLimitRequestSchema, {
    domain: utf8(domain),
    descriptors: descriptors.map(descriptor => ({ entries: entriesOf(descriptor) })),
  })
  return toBinary(RateLimitRequestSchema, message)
}

function entriesOf(descriptor: string): { key: string; value: string }[] {
  const lines = descriptor.split('\r')
  lines.pop()
  return lines.map(line => {
    const end = line.indexOf('\n')
    return { key: utf8(line.slice(0, end)), value: utf8(line.slice(end + 1)) }
  })
}

/** Headers are bytes in here; protobuf's text is Unicode. What is none becomes U+FFFD, as in Envoy. */
function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** Null for bytes that are no answer. */
export function decodeAnswer(bytes: Buffer): ServiceAnswer | null {
  let message: RateLimitResponse
  try {
    message = fromBinary(RateLimitResponseSchema, bytes)
  } catch {
    return null
  }
  return {
    isOverLimit: message.overallCode === RateLimitResponse_Code.OVER_LIMIT,
    responseHeaders: fieldsOf(message.responseHeadersToAdd),
    requestHeaders: fieldsOf(message.requestHeadersToAdd),
    body: Buffer.from(message.rawBody),
    figures: figuresOf(message),
    ...standardOf(message),
  }
}

/** What would break out of its line, or is none of the message's fields, is left out. */
function fieldsOf(values: readonly HeaderValue[]): HeaderList {
  const fields: HeaderList = []
  for (const { key, value, rawValue } of values) {
    const text = rawValue.length > 0 ? Buffer.from(rawValue).toString('latin1') : toByteString(value)
    const name = key.toLowerCase()
    if (NAME.test(name) && !hasControl(text)) fields.push(name, text)
  }
  return fields
}

/** RFC 9110 5.6.2. */
const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/

/** Draft 03 of RateLimit header fields: the limit with the least left, then the policies of all of them. */
function figuresOf({ statuses }: RateLimitResponse): ServiceAnswer['figures'] {
  let nearest: RateLimitResponse['statuses'][number] | null = null
  let policies = ''
  for (const status of statuses) {
    const { currentLimit } = status
    if (currentLimit === undefined) continue
    if (nearest === null || status.limitRemaining < nearest.limitRemaining) nearest = status
    const window = WINDOW[currentLimit.unit]
    if (window === undefined) continue
    policies += `, ${currentLimit.requestsPerUnit};w=${window}`
    if (currentLimit.name !== '') policies += `;name="${quotable(currentLimit.name)}"`
  }
  if (nearest === null) return null
  const seconds = nearest.durationUntilReset?.seconds ?? 0n
  return [`${nearest.currentLimit!.requestsPerUnit}${policies}`, String(nearest.limitRemaining), String(seconds)]
}

function standardOf({ statuses }: RateLimitResponse): Pick<ServiceAnswer, 'policies' | 'standings'> {
  let policies = ''
  let standings = ''
  for (const { currentLimit, limitRemaining, durationUntilReset } of statuses) {
    const window = currentLimit === undefined ? undefined : WINDOW[currentLimit.unit]
    if (currentLimit === undefined || window === undefined) continue
    const name = currentLimit.name || 'default'
    const between = policies === '' ? '' : ', '
    policies += between + policyItem(name, currentLimit.requestsPerUnit, window)
    standings += between + standingItem(quoted(name), limitRemaining, Number(durationUntilReset?.seconds ?? 0n))
  }
  return { policies, standings }
}

function quotable(name: string): string {
  return toByteString(name.replaceAll(UNQUOTABLE, '_'))
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what no quoted string may hold
const UNQUOTABLE = /[\x00-\x1f"\\\x7f]/g
