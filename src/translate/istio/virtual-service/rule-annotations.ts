// Annotations of Weft's own for rules that forward: `weft.dev/WHAT` for all of them, or `weft.dev/WHAT.NAME` for the rule of
// that name.
import type { HttpRoute } from '../../../model/http-route.ts'
import type { ObjectContext } from '../../document/kind-definition.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { refuseUnknownAnnotations } from '../contract/weft-annotations.ts'

export interface RuleAnnotation {
  readonly name: string
  /** `name` as it stands there, for these rules. What each becomes by it. */
  read(name: string, text: string, rules: readonly HttpRoute[], spec: ObjectReader): (rule: HttpRoute) => HttpRoute
}

export function withRuleAnnotations(
  http: readonly HttpRoute[],
  all: readonly RuleAnnotation[],
  { annotations }: ObjectContext,
  spec: ObjectReader,
): readonly HttpRoute[] {
  const forwarding = http.filter(({ action }) => action.kind === 'route')
  const names = [...new Set(forwarding.map(({ name }) => name))].filter(name => name !== '')
  const namesOf = ({ name }: RuleAnnotation): readonly string[] => [name, ...names.map(rule => `${name}.${rule}`)]
  refuseUnknownAnnotations(annotations, all.flatMap(namesOf), spec)
  return all.reduce((routes, annotation) => {
    const changes = new Map(
      namesOf(annotation).flatMap(name => {
        const text = annotations[name]
        if (text === undefined) return []
        const rules = forwarding.filter(rule => name === annotation.name || name === `${annotation.name}.${rule.name}`)
        return [[name, annotation.read(name, text, rules, spec)] as const]
      }),
    )
    return routes.map(route => {
      if (route.action.kind !== 'route') return route
      const change = changes.get(`${annotation.name}.${route.name}`) ?? changes.get(annotation.name)
      return change?.(route) ?? route
    })
  }, http)
}
