// weft.dev/compare-mirrors, an annotation of Weft's own: whether mirrors answer as the client was answered.
import type { MirrorComparison } from '../../../model/http-mirror.ts'
import type { HttpRoute } from '../../../model/http-route.ts'
import { readAnnotationObject } from '../../document/annotation-object.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { annotationPlace } from '../contract/weft-annotations.ts'
import type { RuleAnnotation } from './rule-annotations.ts'

const DEFAULT_MAX_BODY_BYTES = 1024 * 1024
const MAX_BODY_BYTES = 1024 * 1024 * 1024
const MAX_HEADERS = 100
/** RFC 9110 5.6.2: a token. */
const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]+$/

export const COMPARE_MIRRORS: RuleAnnotation = {
  name: 'weft.dev/compare-mirrors',
  read(name, text, rules, spec) {
    const mirrorComparison = readComparison(name, text, spec)
    if (!rules.some(hasMirrors))
      spec.sink.contradiction(annotationPlace(name, spec), 'no rule that it is for has mirrors')
    return rule => (mirrorComparison && hasMirrors(rule) ? { ...rule, mirrorComparison } : rule)
  },
}

/** A delegate may bring them. */
function hasMirrors({ mirror, mirrors, delegate }: HttpRoute): boolean {
  return mirror !== undefined || (mirrors?.length ?? 0) > 0 || delegate !== undefined
}

function readComparison(name: string, text: string, spec: ObjectReader): MirrorComparison | undefined {
  const place = annotationPlace(name, spec)
  const reader = readAnnotationObject(text, place, spec.sink)
  if (!reader) return undefined
  const headers = readNames(reader, 'headers')
  const ignoredHeaders = readNames(reader, 'ignoreHeaders')
  const body = reader.boolean('body') ?? true
  const maxBodyBytes = reader.integer('maxBodyBytes', 1, MAX_BODY_BYTES)
  if (reader.has('headers') && reader.has('ignoreHeaders'))
    reader.sink.contradiction(place, 'only one of headers and ignoreHeaders may be set')
  if (!body && maxBodyBytes !== undefined)
    reader.sink.contradiction(place, 'maxBodyBytes is of bodies, which are left out')
  reader.done()
  return {
    headers: reader.has('headers') ? headers : null,
    ignoredHeaders,
    maxBodyBytes: body ? (maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES) : 0,
  }
}

function readNames(reader: ObjectReader, field: string): readonly string[] {
  const names = reader.stringList(field)
  if (names.length > MAX_HEADERS) reader.sink.badValue(reader.place(field), `more than ${MAX_HEADERS} headers`)
  return names.map(({ value, place }) => {
    const name = value.toLowerCase()
    if (!TOKEN.test(name)) reader.sink.badValue(place, `"${value.slice(0, 80)}" is not a header name`)
    return name
  })
}
