// A difference as a person wants to read it: what was configured, what was sent, what each proxy made of it.
import type { JsonObject } from '@bufbuild/protobuf'
import { describe as describeFrame, readFrames } from '../../src/transport/http2/testing/raw-frames.ts'
import type { Dialogue } from './case.ts'
import type { CaseResult } from './run-cases.ts'

/** More than this of a text is seldom looked at. */
const LONG = 1_000

export function describe(result: CaseResult): string {
  const { name, dialogue, config } = result.case
  const said = whatIsSaid(dialogue)
  const sent = said.map(text => shortened(JSON.stringify(text))).join('\n    ')
  const lines = result.differences.map(
    ({ field, envoy, weft }) => `  ${field}\n    envoy ${shortened(envoy)}\n    weft  ${shortened(weft)}`,
  )
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

function whatIsSaid(dialogue: Dialogue): readonly unknown[] {
  if (dialogue.protocol === 'http1') return dialogue.writes
  if (dialogue.protocol === 'http2') return [dialogue.fields, dialogue.body, dialogue.trailers]
  if (dialogue.protocol === 'frames')
    return dialogue.frames.map(frame => `${inWords(frame)} ${frame.toString('latin1')}`)
  return [dialogue.client, ...(dialogue.preface === undefined ? [] : [dialogue.preface]), ...dialogue.steps]
}

function shortened(text: string): string {
  return text.length <= LONG ? text : `${text.slice(0, LONG)}... (${text.length})`
}

function inWords(frame: Buffer): string {
  try {
    return readFrames(frame).map(describeFrame).join(', ')
  } catch {
    return 'half a frame'
  }
}
