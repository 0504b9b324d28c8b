// `match`: the requests that a rule is for.
import type { RateLimitMatch } from '../../../model/rate-limit.ts'
import { isDnsSubdomain } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readStringMatch, readStringMatches } from '../../istio/contract/string-match.ts'
import { headerName } from './header-name.ts'

export function readRateLimitMatch(reader: ObjectReader): RateLimitMatch {
  const hosts = reader.stringList('hosts').map(({ value, place }) => {
    const host = value.toLowerCase()
    if (!isDnsSubdomain(host.startsWith('*.') ? host.slice(2) : host))
      reader.sink.badValue(place, `"${value.slice(0, 80)}" is not a host name`)
    return host
  })
  const text = (field: string) => {
    const value = reader.value(field)
    return (value && readStringMatch(value, reader.sink, false)) ?? null
  }
  const path = text('path')
  const method = text('method')
  const headers = readStringMatches(reader, 'headers', (key, place) => headerName(key, place, reader.sink))
  reader.done()
  return { hosts, path, method, headers }
}
