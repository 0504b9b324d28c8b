// A difference as a person wants to read it: what was configured, what was sent, what each proxy made of it.
import type { JsonObject } from '@bufbuild/protobuf'
import type { CaseResult } from './run-cases.ts'

export function describe(result: CaseResult): string {
  const { name, http1, config } = result.case
  const sent = http1.writes.map(text => JSON.stringify(text)).join('\n    ')
  const lines = result.differences.map(({ field, envoy, weft }) => `  ${field}\n    envoy ${envoy}\n    weft  ${weft}`)
  const configured = config === undefined ? '' : `  config ${JSON.stringify(relevant(config as JsonObject, result))}\n`
  return `${name}\n${configured}  sent\n    ${sent}\n${lines.join('\n')}`
}

/** Of a virtual host only what either proxy took part of: the routes that were chosen, and the host's own fields. */
function relevant(host: JsonObject, { envoy, weft }: CaseResult): JsonObject {
  const chosen = new Set([...envoy.log, ...weft.log].map(entry => entry['route']))
  const { routes, ...own } = host
  if (!Array.isArray(routes)) return host
  return { ...own, routes: (routes as JsonObject[]).filter(route => chosen.has(route['name'] as string)) }
}
