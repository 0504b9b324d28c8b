// Annotations of Weft's own that say something of a VirtualService's rules: `weft.dev/WHAT` of all that forward, or
// `weft.dev/WHAT.NAME` of the rule of that name, which comes first.
import type { HttpFallback } from '../../../model/http-fallback.ts'
import type { HttpRoute } from '../../../model/http-route.ts'
import type { ObjectContext } from '../../document/kind-definition.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { annotationPlace, refuseUnknownAnnotations } from '../contract/weft-annotations.ts'
import { FALLBACK, readFallback } from './fallback.ts'
import { HEDGING, readHedging } from './hedging.ts'

/** The rules with what the annotations say of them. */
export function withRuleAnnotations(
  http: readonly HttpRoute[],
  { annotations }: ObjectContext,
  spec: ObjectReader,
): readonly HttpRoute[] {
  const forwarding = http.filter(({ action }) => action.kind === 'route')
  const names = [...new Set(forwarding.map(({ name }) => name))].filter(name => name !== '')
  const forms = (base: string): string[] => [base, ...names.map(name => `${base}.${name}`)]
  refuseUnknownAnnotations(annotations, [...forms(FALLBACK), ...forms(HEDGING)], spec)
  const read = <T>(base: string, readOne: (name: string, text: string, spec: ObjectReader) => T | undefined) => {
    const values = new Map<string, T | undefined>()
    for (const name of forms(base))
      if (annotations[name] !== undefined) values.set(name, readOne(name, annotations[name], spec))
    return values
  }
  const fallbacks = read<HttpFallback>(FALLBACK, readFallback)
  const hedging = read(HEDGING, readHedging)
  for (const [name, isOn] of hedging)
    if (isOn && !forwarding.some(route => canHedge(route) && (name === HEDGING || name === `${HEDGING}.${route.name}`)))
      spec.sink.contradiction(
        annotationPlace(name, spec),
        'needs a rule with retries.attempts and retries.perTryTimeout',
      )
  return http.map(route => {
    if (route.action.kind !== 'route') return route
    const fallback = fallbacks.get(`${FALLBACK}.${route.name}`) ?? fallbacks.get(FALLBACK)
    const hedges = canHedge(route) && (hedging.get(`${HEDGING}.${route.name}`) ?? hedging.get(HEDGING))
    return {
      ...route,
      ...(fallback ? { fallback } : {}),
      ...(hedges && route.retries ? { retries: { ...route.retries, hedgesOnPerTryTimeout: true } } : {}),
    }
  })
}

function canHedge({ retries }: HttpRoute): boolean {
  return retries !== undefined && retries.attempts > 0 && retries.perTryTimeoutMs !== undefined
}
