// weft.dev/hedge-on-per-try-timeout, an annotation of Weft's own: a try that runs into `retries.perTryTimeout` goes on, and
// another is sent beside it. Istio has no word for it; Envoy has, and honours it too.
import type { HttpRoute } from '../../../model/http-route.ts'
import { annotationPlace } from '../contract/weft-annotations.ts'
import type { RuleAnnotation } from './rule-annotations.ts'

export const HEDGING: RuleAnnotation = {
  name: 'weft.dev/hedge-on-per-try-timeout',
  read(name, text, rules, spec) {
    const place = annotationPlace(name, spec)
    if (text !== 'true' && text !== 'false')
      spec.sink.badValue(place, `"${text.slice(0, 40)}" is neither "true" nor "false"`)
    else if (text === 'true' && !rules.some(canHedge))
      spec.sink.contradiction(place, 'needs a rule with retries.attempts and retries.perTryTimeout')
    return rule => (text === 'true' && canHedge(rule) ? hedged(rule) : rule)
  },
}

function canHedge({ retries }: HttpRoute): boolean {
  return retries !== undefined && retries.attempts > 0 && retries.perTryTimeoutMs !== undefined
}

function hedged(rule: HttpRoute): HttpRoute {
  return rule.retries ? { ...rule, retries: { ...rule.retries, hedgesOnPerTryTimeout: true } } : rule
}
