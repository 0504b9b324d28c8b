// What differs between the two proxies' doings in one case, under names that the page of known differences uses.
import type { Observation } from './case.ts'
import type { Field, Message } from './message.ts'
import { normalValue, shapeOf } from './normalisation.ts'

export interface Difference {
  /** `response status`, `upstream header x-name`, `log details`, ... */
  readonly field: string
  readonly envoy: string
  readonly weft: string
}

export function differences(envoy: Observation, weft: Observation): readonly Difference[] {
  const before = comparable(envoy)
  const after = comparable(weft)
  const found: Difference[] = []
  for (const field of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(field) ?? '(none)', after.get(field) ?? '(none)']
    if (was !== is) found.push({ field, envoy: was, weft: is })
  }
  return found
}

/** Every fact of an observation that must be the same, by name. Header names come in any order, their values in one. */
export function comparable({ talk, received, log }: Observation): ReadonlyMap<string, string> {
  const facts = new Map<string, string>()
  facts.set('connection', talk.end)
  if (talk.leftover !== '') facts.set('leftover', JSON.stringify(talk.leftover))
  for (const [name, value] of talk.facts ?? []) facts.set(name, value)
  facts.set('responses', String(talk.responses.length))
  for (const [index, response] of talk.responses.entries()) {
    const at = index === 0 ? 'response' : `response ${index + 1}`
    const [version = '', status = '', ...reason] = response.startLine.split(' ')
    facts.set(`${at} version`, version)
    facts.set(`${at} status`, status)
    facts.set(`${at} reason`, reason.join(' '))
    addMessage(facts, at, response)
  }
  facts.set('upstream requests', received.map(({ endpoint }) => endpoint).join(', '))
  for (const [index, { request }] of received.entries()) {
    const at = index === 0 ? 'upstream' : `upstream ${index + 1}`
    const [method = '', path = '', version = ''] = splitRequestLine(request.startLine)
    facts.set(`${at} method`, method)
    facts.set(`${at} path`, path)
    facts.set(`${at} version`, version)
    addMessage(facts, at, request)
  }
  facts.set('log entries', String(log.length))
  for (const [index, entry] of log.entries()) {
    const at = index === 0 ? 'log' : `log ${index + 1}`
    for (const [name, value] of Object.entries(entry))
      if (name !== 'port')
        facts.set(`${at} ${name}`, JSON.stringify(name.startsWith('shape ') ? shapeOf(value) : value))
  }
  return facts
}

function splitRequestLine(line: string): [string, string, string] {
  const first = line.indexOf(' ')
  const last = line.lastIndexOf(' ')
  return [line.slice(0, first), line.slice(first + 1, last), line.slice(last + 1)]
}

function addMessage(facts: Map<string, string>, at: string, message: Message): void {
  addFields(facts, `${at} header`, message.fields)
  addFields(facts, `${at} trailer`, message.trailers)
  facts.set(`${at} body`, JSON.stringify(message.body))
  const { spelt = [] } = message
  if (spelt.length > 0) facts.set(`${at} spelling`, spelt.toSorted().join(' '))
  if (!message.complete) facts.set(`${at} complete`, 'no')
}

function addFields(facts: Map<string, string>, prefix: string, fields: readonly Field[]): void {
  for (const [name, value] of fields) {
    const key = `${prefix} ${name}`
    const normal = normalValue(name, value)
    const before = facts.get(key)
    // RFC 9110 5.3: a list in one field or in several is the same list; cookies are none (RFC 6265 3).
    facts.set(key, before === undefined ? normal : `${before}${name === 'set-cookie' ? ' | ' : ','}${normal}`)
  }
}
