// Weft's RateLimit.
import { RATE_LIMIT_HEADERS, type RateLimit, type RateLimitRule } from '../../../model/rate-limit.ts'
import type { KindDefinition } from '../../document/kind-definition.ts'
import { readSelector } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readRateLimitKeys } from './rate-limit-key.ts'
import { readRateLimitMatch } from './rate-limit-match.ts'
import { readOverrides } from './rate-limit-override.ts'
import { readRate } from './request-rate.ts'

export const RATE_LIMIT: KindDefinition<'RateLimit'> = {
  kind: 'RateLimit',
  apiVersions: ['weft.dev/v1alpha1'],
  parseSpec,
}

function parseSpec(spec: ObjectReader): RateLimit {
  const selector = readSelector(spec, 'selector', 'matchLabels')
  const scope = spec.enumeration('scope', ['local', 'global']) ?? 'local'
  const onFailure = spec.enumeration('onFailure', ['allow', 'deny'])
  if (onFailure !== undefined && scope === 'local')
    spec.sink.contradiction(spec.place('onFailure'), 'a local limit asks nobody who could fail')
  const readers = spec.objectList('rules')
  if (readers.length === 0 && spec.list('rules').length === 0) spec.missing('rules')
  const names = new Set<string>()
  const rules = readers.map((reader, index) => {
    const rule = readRule(reader, index)
    if (names.has(rule.name)) reader.sink.badValue(reader.place('name'), `another rule is called "${rule.name}"`)
    names.add(rule.name)
    return rule
  })
  const headers = readHeaders(spec)
  spec.done()
  return { selector, scope, onFailure: onFailure ?? 'allow', headers, rules }
}

/** Both, unless it is said. */
function readHeaders(spec: ObjectReader): RateLimit['headers'] {
  if (!spec.has('headers')) return RATE_LIMIT_HEADERS
  const given = spec.stringList('headers')
  for (const { value, place } of given)
    if (!RATE_LIMIT_HEADERS.some(known => known === value))
      spec.sink.badValue(place, `"${value.slice(0, 40)}" is not one of ${RATE_LIMIT_HEADERS.join(', ')}`)
  return RATE_LIMIT_HEADERS.filter(known => given.some(({ value }) => value === known))
}

function readRule(reader: ObjectReader, index: number): RateLimitRule {
  const name = reader.string('name') ?? String(index)
  if (!/^[\w.-]{1,63}$/.test(name))
    reader.sink.badValue(reader.place('name'), 'a name has letters, digits, - _ . and at most 63 of them')
  const matchReader = reader.object('match')
  const match = matchReader ? readRateLimitMatch(matchReader) : null
  const by = readRateLimitKeys(reader)
  const limitReader = reader.object('limit')
  const limit = limitReader ? readRate(limitReader) : null
  const overrides = readOverrides(reader, by)
  if (!reader.has('limit') && !reader.has('overrides'))
    reader.sink.error('WEFT-1006', reader, 'limit is missing, and there are no overrides')
  reader.done()
  return { name, match, by, limit, overrides }
}
