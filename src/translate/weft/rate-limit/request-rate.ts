// `{requests: 1000, per: minute, burst: 50}`
import { RATE_UNITS, type RequestRate } from '../../../model/rate-limit.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

/** Counts of Envoy's buckets are 32 bits wide; one value is kept for what has no limit. */
const MAX_REQUESTS = 0xffff_fffe

export function readRate(reader: ObjectReader): RequestRate | null {
  const requests = reader.integer('requests', 1, MAX_REQUESTS)
  if (!reader.has('requests')) reader.missing('requests')
  const per = reader.enumeration('per', RATE_UNITS)
  if (!reader.has('per')) reader.missing('per')
  const burst = reader.integer('burst', 1, MAX_REQUESTS)
  reader.done()
  return requests === undefined || per === undefined ? null : { requests, per, burst: burst ?? requests }
}
