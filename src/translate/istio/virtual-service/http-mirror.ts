// VirtualService http[].mirrors, and the older mirror with its percentages.
import type { HttpMirror } from '../../../model/http-mirror.ts'
import type { HttpRoute } from '../../../model/http-route.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readTarget } from '../contract/destination.ts'
import { readPercentage } from './percentage.ts'

const PERCENTAGES = ['mirrorPercentage', 'mirrorPercent']

export function readMirrors(
  rule: ObjectReader,
): Pick<HttpRoute, 'mirror' | 'mirrors' | 'mirrorPercentage' | 'mirrorPercent'> {
  const mirror = rule.object('mirror')
  const mirrors = rule.has('mirrors') ? rule.objectList('mirrors').map(readMirror) : undefined
  const mirrorPercentage = readPercentage(rule, 'mirrorPercentage')
  const mirrorPercent = rule.integer('mirrorPercent', 0, 100)
  // Istio lets a rule that delegates have both, as its delegate may have one of its own.
  if (mirror && mirrors && mirrors.length > 0 && !rule.has('delegate'))
    rule.sink.contradiction(rule.place('mirrors'), 'only one of mirrors and the older mirror may be set')
  if (mirrorPercentage !== undefined && mirrorPercent !== undefined)
    rule.sink.report('WEFT-1012', 'warning', rule.place('mirrorPercent'), 'has no effect beside mirrorPercentage')
  for (const field of PERCENTAGES)
    if (rule.has(field) && !mirror && !rule.has('delegate'))
      rule.sink.report('WEFT-1012', 'warning', rule.place(field), `${field} is that of mirror, which is missing`)
  return {
    ...(mirror ? { mirror: { destination: readTarget(mirror), position: mirror.position } } : {}),
    ...(mirrors ? { mirrors } : {}),
    ...(mirrorPercentage === undefined ? {} : { mirrorPercentage }),
    ...(mirrorPercent === undefined ? {} : { mirrorPercent }),
  }
}

function readMirror(reader: ObjectReader): HttpMirror {
  const target = reader.object('destination')
  if (!target && !reader.has('destination')) reader.missing('destination')
  const percentage = readPercentage(reader, 'percentage')
  const destination = target ? readTarget(target) : { host: '', subset: '' }
  reader.done()
  return { destination, ...(percentage === undefined ? {} : { percentage }), position: reader.position }
}
