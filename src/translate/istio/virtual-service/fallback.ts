// weft.dev/fallback, an annotation of Weft's own: who answers when a rule's destination is down or too slow.
import { isUtf8 } from 'node:buffer'
import type { HttpFallback } from '../../../model/http-fallback.ts'
import { readAnnotationObject } from '../../document/annotation-object.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readTarget } from '../contract/destination.ts'
import { annotationPlace } from '../contract/weft-annotations.ts'
import { readDirectResponse } from './http-action.ts'
import type { RuleAnnotation } from './rule-annotations.ts'

export const FALLBACK: RuleAnnotation = {
  name: 'weft.dev/fallback',
  read(name, text, _rules, spec) {
    const fallback = readFallback(name, text, spec)
    return route => (fallback && route.action.kind === 'route' ? { ...route, fallback } : route)
  },
}

function readFallback(name: string, text: string, spec: ObjectReader): HttpFallback | undefined {
  const place = annotationPlace(name, spec)
  const reader = readAnnotationObject(text, place, spec.sink)
  if (!reader) return undefined
  const target = reader.object('destination')
  const response = reader.object('directResponse')
  const contentType = reader.string('contentType')
  if (target && response) reader.sink.contradiction(place, 'only one of destination and directResponse may be set')
  if (!reader.has('destination') && !reader.has('directResponse'))
    reader.sink.error('WEFT-1006', place, 'one of destination and directResponse is missing')
  if (contentType !== undefined && !response)
    reader.sink.contradiction(place, 'contentType goes with directResponse only')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (contentType !== undefined && /[\x00-\x1f\x7f]/.test(contentType))
    reader.sink.badValue(place, 'contentType must not hold control characters')
  reader.done()
  if (target) return { kind: 'destination', destination: readTarget(target) }
  if (!response) return undefined
  const { status, body } = readDirectResponse(response)
  if (!isUtf8(body)) reader.sink.badValue(place, 'the body must be UTF-8')
  return { kind: 'answer', status, body, contentType: contentType ?? 'text/plain' }
}
