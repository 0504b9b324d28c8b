// The whole of it as cases: to clients' listeners, and from endpoints.
import { headers, type RawField } from '../../../../src/transport/http2/testing/raw-frames.ts'
import { FINE, MALFORMED } from '../../../../src/transport/http2/testing/request-cases.ts'
import { ANSWER_FIELD, answerField } from '../../answer.ts'
import type { DifferentialCase } from '../../case.ts'
import type { Field } from '../../message.ts'
import { CASE_FIELD } from '../../upstreams.ts'
import { ANSWERS } from './answers.ts'
import { Asker, END, type Frames } from './asker.ts'
import { BLOCKS, COMPRESSION } from './blocks.ts'
import { UPSTREAM } from './listeners.ts'
import { LIMITS, MESSAGES } from './messages.ts'
import { OPENINGS, SETTINGS, WINDOWS } from './settings.ts'
import { PADDING, SIZES } from './shapes.ts'
import { STREAMS } from './streams.ts'

const GROUPS: Readonly<Record<string, Readonly<Record<string, Frames>>>> = {
  sizes: SIZES,
  streams: STREAMS,
  padding: PADDING,
  messages: MESSAGES,
  compression: COMPRESSION,
  settings: SETTINGS,
  windows: WINDOWS,
  blocks: BLOCKS,
  limits: LIMITS,
}

/** A request with what is wrong with it, and which case it belongs to. */
const marked = (fields: readonly RawField[], name: string): RawField[] => [...fields, [CASE_FIELD, name]]
const slug = (words: string): string => words.toLowerCase().replace(/[^a-z0-9]+/g, '-')

function framesCase(listener: string, name: string, frames: (name: string) => readonly Buffer[]): DifferentialCase {
  const whole = `${listener}/${name}`
  return { name: whole, listener, dialogue: { protocol: 'frames', frames: frames(whole) }, beside: whole }
}

const DOWNSTREAM: readonly DifferentialCase[] = ['frames', 'frames-alone', 'frames-limited'].flatMap(listener => [
  ...(listener === 'frames' ? ['one', 'two'] : ['one']).flatMap(host =>
    Object.entries(GROUPS).flatMap(([group, members]) =>
      Object.entries(members).map(([name, frames]) =>
        framesCase(listener, `${group}-${host}/${name}`, whole => frames(new Asker(`${host}.test`, whole))),
      ),
    ),
  ),
  ...Object.entries(MALFORMED).map(([name, [fields]]) =>
    framesCase(listener, `malformed/${slug(name)}`, whole => [headers(1, marked(fields, whole), END)]),
  ),
  ...Object.entries(FINE).map(([name, fields]) =>
    framesCase(listener, `fine/${slug(name)}`, whole => [headers(1, marked(fields, whole), END)]),
  ),
])

const OPENED: readonly DifferentialCase[] = Object.entries(OPENINGS).map(([name, opening]): DifferentialCase => {
  const whole = `frames/opening/${name}`
  return { name: whole, listener: 'frames', dialogue: { protocol: 'frames', frames: [], opening }, beside: whole }
})

const UPSTREAMS: readonly DifferentialCase[] = Object.entries(ANSWERS).map(([name, frames]): DifferentialCase => {
  const whole = `${UPSTREAM}/${slug(name)}`
  const raw = Buffer.concat(frames).toString('latin1')
  const fields: readonly Field[] = [
    ['host', 'any.test'],
    [CASE_FIELD, whole],
    [ANSWER_FIELD, answerField([{ raw }])],
  ]
  const lines = fields.map(([field, value]) => `${field}: ${value}\r\n`).join('')
  const writes = [`POST / HTTP/1.1\r\n${lines}content-length: 0\r\n\r\n`]
  return { name: whole, listener: UPSTREAM, dialogue: { protocol: 'http1', writes, methods: ['POST'] }, beside: whole }
})

export const FRAMES: readonly DifferentialCase[] = [...DOWNSTREAM, ...OPENED, ...UPSTREAMS]
