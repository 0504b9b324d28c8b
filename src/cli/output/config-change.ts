// `virtualservice/reviews configured`, as kubectl says what has become of an object.
import type { ConfigChange } from '../client/api-answer.ts'

export function formatChange(change: ConfigChange, suffix = ''): string {
  const namespace = change.namespace === 'default' ? '' : `${change.namespace}/`
  return `${change.kind.toLowerCase()}/${namespace}${change.name} ${change.action}${suffix}\n`
}
