// `overrides`: values of the keys that have a limit of their own, or none.
import { parseCidr } from '../../../base/cidr.ts'
import type { RateLimitKey, RateLimitOverride } from '../../../model/rate-limit.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'
import { isIpAddress } from '../../host/ip-address.ts'
import { readRate } from './request-rate.ts'

export function readOverrides(rule: ObjectReader, by: readonly RateLimitKey[]): readonly RateLimitOverride[] {
  if (rule.has('overrides') && !rule.has('by'))
    rule.sink.contradiction(rule.place('overrides'), 'overrides need keys: by')
  const seen = new Set<string>()
  return rule.objectList('overrides').map(reader => {
    const values = reader.stringList('values')
    if (values.length !== by.length && rule.has('by'))
      reader.sink.badValue(reader.place('values'), `there must be one value for each key of by: ${by.length}`)
    for (const [index, { value, place }] of values.entries()) checkValue(value, by[index], place, reader.sink)
    const id = JSON.stringify(values.map(({ value }) => value))
    if (seen.has(id)) reader.sink.badValue(reader, 'another override is for the same values')
    seen.add(id)
    const unlimited = reader.boolean('unlimited')
    const limitReader = reader.object('limit')
    const limit = limitReader ? readRate(limitReader) : null
    if (unlimited === true && limitReader)
      reader.sink.contradiction(reader, 'only one of limit and unlimited may be set')
    if (unlimited !== true && !reader.has('limit'))
      reader.sink.error('WEFT-1006', reader, 'one of limit and unlimited is missing')
    reader.done()
    return { values: values.map(({ value }) => value), limit }
  })
}

/** As it stands in the descriptor: a header's as sent, an address as Envoy writes it. */
function checkValue(value: string, key: RateLimitKey | undefined, place: FieldPlace, sink: ProblemSink): void {
  if (value === '') sink.badValue(place, 'a value must not be empty')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no header and no descriptor may hold
  else if (/[\x00-\x1f\x7f]/.test(value)) sink.badValue(place, 'a value must not hold control characters')
  if (key?.kind !== 'client-address') return
  const { network } = key
  if (network === undefined) {
    if (!isIpAddress(value)) sink.badValue(place, `"${value.slice(0, 80)}" is not an IP address`)
    return
  }
  const [address = '', length = ''] = value.split('/')
  const bits = address.includes(':') ? network.v6Bits : network.v4Bits
  if (parseCidr(address, Number(length)) === null || Number(length) !== bits)
    sink.badValue(place, `"${value.slice(0, 80)}" is not a network of the key's prefix length, ${bits}`)
}
