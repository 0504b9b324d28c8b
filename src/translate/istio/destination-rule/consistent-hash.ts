// ConsistentHashLB: what of a request is hashed, and by which algorithm endpoints are found.
import type { ConsistentHash, HashAlgorithm, HashKey } from '../../../model/load-balancer.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

/** Envoy's bounds. */
const MAX_RING_SIZE = 8_388_608
const MAX_TABLE_SIZE = 5_000_010
const KEYS = ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName']
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

export function readConsistentHash(reader: ObjectReader): ConsistentHash {
  const key = readKey(reader)
  const algorithm = readAlgorithm(reader)
  reader.done()
  return { key, algorithm }
}

function readKey(reader: ObjectReader): HashKey | null {
  const [first, second] = KEYS.filter(name => reader.has(name))
  if (second !== undefined) reader.sink.contradiction(reader.place(second), `${second} does not go with ${first}`)
  const header = reader.string('httpHeaderName')
  const parameter = reader.string('httpQueryParameterName')
  const sourceIp = reader.boolean('useSourceIp')
  const cookie = reader.object('httpCookie')
  const readCookieKey = cookie && readCookie(cookie)
  if (header !== undefined) {
    if (!TOKEN.test(header.replace(/^:/, '')))
      reader.sink.badValue(reader.place('httpHeaderName'), `"${header.slice(0, 80)}" is not a header's name`)
    return { kind: 'header', name: header }
  }
  if (parameter !== undefined) {
    if (parameter === '') reader.missing('httpQueryParameterName')
    return { kind: 'query-parameter', name: parameter }
  }
  if (readCookieKey) return readCookieKey
  return sourceIp === true ? { kind: 'source-ip' } : null
}

/** Without a ttl no cookie is ever made; 0s is one of the client's session. */
function readCookie(reader: ObjectReader): HashKey {
  const name = reader.requiredString('name')
  if (name !== '' && !TOKEN.test(name))
    reader.sink.badValue(reader.place('name'), `"${name.slice(0, 80)}" is not a cookie's name`)
  const path = reader.string('path') ?? ''
  checkAttribute(path, reader, 'path')
  const ttlMs = reader.duration('ttl', 0)
  const attributes = reader.objectList('attributes').map(attribute => {
    const name = attribute.requiredString('name')
    const value = attribute.string('value') ?? ''
    if (name !== '' && !TOKEN.test(name))
      attribute.sink.badValue(attribute.place('name'), `"${name.slice(0, 80)}" is not an attribute's name`)
    checkAttribute(value, attribute, 'value')
    attribute.done()
    return { name, value }
  })
  reader.done()
  return { kind: 'cookie', name, path, ...(ttlMs === undefined ? {} : { ttlMs }), attributes }
}

function checkAttribute(text: string, reader: ObjectReader, field: string): void {
  if (!/^[^;\p{Cc}]*$/u.test(text))
    reader.sink.badValue(reader.place(field), 'a cookie can hold neither semicolons nor control characters here')
}

function readAlgorithm(reader: ObjectReader): HashAlgorithm {
  const ring = reader.object('ringHash')
  const maglev = reader.object('maglev')
  const older = reader.integer('minimumRingSize', 0, MAX_RING_SIZE)
  if (ring && maglev) reader.sink.contradiction(reader.place('maglev'), 'maglev does not go with ringHash')
  // Deprecated: of the time when there was no other algorithm.
  if (older && (ring || maglev))
    reader.sink.contradiction(
      reader.place('minimumRingSize'),
      `minimumRingSize does not go with ${ring ? 'ringHash' : 'maglev'}`,
    )
  const size = ring?.integer('minimumRingSize', 0, MAX_RING_SIZE) || older
  ring?.done()
  if (!maglev) return { kind: 'ring-hash', ...(size ? { minimumRingSize: size } : {}) }
  const tableSize = maglev.integer('tableSize', 1, MAX_TABLE_SIZE)
  if (!maglev.has('tableSize')) maglev.missing('tableSize')
  if (tableSize !== undefined && !isPrime(tableSize))
    maglev.sink.badValue(maglev.place('tableSize'), `${tableSize} is not a prime number`, "Envoy's default is 65537")
  maglev.done()
  return { kind: 'maglev', tableSize: tableSize ?? 2 }
}

function isPrime(value: number): boolean {
  if (value < 2) return false
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false
  return true
}
