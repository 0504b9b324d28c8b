// Annotations of Weft's own: what is wrong with them is said where they stand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../parse-config.ts'

function problems(kind: string, annotations: Readonly<Record<string, string>>, spec: string): string[] {
  const text = `apiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: {name: a, annotations: ${JSON.stringify(annotations)}}\nspec: ${spec}\n`
  const found = parseConfig([{ file: 'a', text }], { defaultNamespace: 'default' }).problems
  return found.map(({ severity, code, path, message }) => `${severity} ${code} ${path}: ${message}`)
}

const RULE =
  '{hosts: [a], http: [{name: two, match: [{uri: {exact: /}}], redirect: {uri: /a}}, {name: one, route: [{destination: {host: a}}]}]}'
const fallback = (text: string, name = 'weft.dev/fallback'): string[] =>
  problems('VirtualService', { [name]: text }, RULE)
const AT = 'metadata.annotations["weft.dev/fallback"]'

test('a fallback is an object with a destination or an answer', () => {
  assert.deepEqual(fallback('{"destination": {"host": "b"}}'), [])
  assert.deepEqual(fallback('directResponse: {status: 200, body: {string: "[]"}}\ncontentType: application/json'), [])
  assert.deepEqual(fallback('[]'), [`error WEFT-1004 ${AT}: a document must be an object, not a list`])
  assert.deepEqual(fallback('{}\n---\n{}'), [`error WEFT-1005 ${AT}: must be one object, in JSON or YAML`])
  assert.deepEqual(fallback('{destination: {host: b, prt: 1}, directResponse: {}, contentType: "a\\nb", more: 1}'), [
    `error WEFT-1011 ${AT}: only one of destination and directResponse may be set`,
    `error WEFT-1005 ${AT}: contentType must not hold control characters`,
    `error WEFT-1003 ${AT}.more: unknown field`,
    `error WEFT-1003 ${AT}.destination.prt: unknown field`,
  ])
  assert.deepEqual(fallback('{contentType: a}'), [
    `error WEFT-1006 ${AT}: one of destination and directResponse is missing`,
    `error WEFT-1011 ${AT}: contentType goes with directResponse only`,
  ])
  assert.deepEqual(fallback('{directResponse: {status: 200, body: {bytes: /w==}}}'), [
    `error WEFT-1005 ${AT}: the body must be UTF-8`,
  ])
})

test('of one rule by its name; a name that no rule with a destination has is an error', () => {
  assert.deepEqual(fallback('{destination: {host: b}}', 'weft.dev/fallback.one'), [])
  assert.deepEqual(fallback('{destination: {host: b}}', 'weft.dev/fallback.two'), [
    `error WEFT-1003 metadata.annotations["weft.dev/fallback.two"]: "weft.dev/fallback.two" is no annotation of Weft's`,
  ])
})

test('hedging is on or off, and goes with a time-out of each try', () => {
  const name = 'weft.dev/hedge-on-per-try-timeout'
  const rule = (annotations: Readonly<Record<string, string>>, retries = '{attempts: 2, perTryTimeout: 1s}') =>
    problems(
      'VirtualService',
      annotations,
      `{hosts: [a], http: [{name: one, route: [{destination: {host: a}}], retries: ${retries}}]}`,
    )
  for (const value of ['true', 'false']) assert.deepEqual(rule({ [name]: value, [`${name}.one`]: value }), [])
  assert.deepEqual(rule({ [name]: 'yes' }), [
    `error WEFT-1005 metadata.annotations["${name}"]: "yes" is neither "true" nor "false"`,
  ])
  for (const place of [name, `${name}.one`])
    assert.deepEqual(rule({ [place]: 'true' }, '{attempts: 2}'), [
      `error WEFT-1011 metadata.annotations["${place}"]: needs a rule with retries.attempts and retries.perTryTimeout`,
    ])
})

test('probes are a number, and nothing without outlier detection', () => {
  const name = 'weft.dev/half-open-probes'
  const rule = (value: string, spec = '{host: a, trafficPolicy: {outlierDetection: {}}}') =>
    problems('DestinationRule', { [name]: value }, spec)
  assert.deepEqual(rule('3'), [])
  for (const value of ['0', '-1', '1.5', 'x', '1000001'])
    assert.deepEqual(rule(value), [
      `error WEFT-1005 metadata.annotations["${name}"]: "${value}" is not a whole number from 1 to 1000000`,
    ])
  assert.deepEqual(rule('3', '{host: a}'), [
    `warning WEFT-1012 metadata.annotations["${name}"]: ${name} has no effect without outlierDetection`,
  ])
  assert.match(problems('DestinationRule', { 'weft.dev/half-open-probe': '1' }, '{host: a}')[0]!, /WEFT-1003/)
})

test('mirrors are compared where there are some', () => {
  const name = 'weft.dev/compare-mirrors'
  const at = `metadata.annotations["${name}"]`
  const rule = (mirror: string): string =>
    `{hosts: [a], http: [{name: one, ${mirror} route: [{destination: {host: a}}]}]}`
  const compare = (text: string, mirror = 'mirrors: [{destination: {host: b}}],', key = name): string[] =>
    problems('VirtualService', { [key]: text }, rule(mirror))
  assert.deepEqual(compare('{}'), [])
  assert.deepEqual(compare('{headers: [Content-Type, ETag], body: false}', 'mirror: {host: b},', `${name}.one`), [])
  assert.deepEqual(compare('{ignoreHeaders: [x-time], maxBodyBytes: 1000}'), [])
  assert.deepEqual(compare('{headers: ["a b"], ignoreHeaders: [c], body: false, maxBodyBytes: 5, more: 1}'), [
    `error WEFT-1005 ${at}.headers[0]: "a b" is not a header name`,
    `error WEFT-1011 ${at}: only one of headers and ignoreHeaders may be set`,
    `error WEFT-1011 ${at}: maxBodyBytes is of bodies, which are left out`,
    `error WEFT-1003 ${at}.more: unknown field`,
  ])
  assert.deepEqual(compare('{maxBodyBytes: 0}'), [
    `error WEFT-1005 ${at}.maxBodyBytes: 0 is not between 1 and 1073741824`,
  ])
  const nothing = `error WEFT-1011 ${at}: no rule that it is for has mirrors`
  assert.deepEqual(compare('{}', ''), [nothing])
  assert.deepEqual(compare('{}', '', `${name}.one`), [nothing.replace(name, `${name}.one`)])
})
