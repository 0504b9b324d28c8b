// What a request tells the upstream to do: in its `x-answer` field, one answer for each attempt, the last for the rest.

export interface Answer {
  readonly status?: number
  readonly fields?: readonly (readonly [string, string])[]
  readonly body?: string
  /** Sent chunked, with these behind it. */
  readonly trailers?: readonly (readonly [string, string])[]
  readonly chunked?: boolean
  /** Status codes of interim responses before it. */
  readonly interim?: readonly number[]
  /** Before the answer; interim responses do not wait. */
  readonly delayMs?: number
  /** Between head and body. */
  readonly bodyDelayMs?: number
  /** Breaks the connection: before a byte, within the head, or within the body. */
  readonly cut?: 'before' | 'head' | 'body'
  /** In place of everything else; one character is one byte. */
  readonly raw?: string
  /** Closes the connection after it. */
  readonly close?: boolean
  /** When the head of the request is there; `head`: its own head alone, and the body when the request is whole. */
  readonly early?: 'whole' | 'head'
}

export const ANSWER_FIELD = 'x-answer'

export function answerField(answers: readonly Answer[]): string {
  return JSON.stringify(answers).replace(
    /[^\x20-\x7e]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function parseAnswers(text: string): readonly Answer[] {
  try {
    const answers = JSON.parse(text) as unknown
    return Array.isArray(answers) ? (answers as Answer[]) : []
  } catch {
    return []
  }
}

export function isEarly(text: string): boolean {
  return parseAnswers(text).some(({ early }) => early !== undefined)
}

export interface AnswerBytes {
  readonly interim: string
  readonly head: string
  readonly body: string
}

/** The bytes of an answer, or as many as are sent before it breaks off. */
export function answerBytes(answer: Answer, method: string, fallbackBody: string): AnswerBytes {
  if (answer.raw !== undefined) return { interim: '', head: answer.raw, body: '' }
  const { status = 200, fields = [], body = fallbackBody, trailers } = answer
  const interim = (answer.interim ?? []).map(code => `HTTP/1.1 ${code} Interim\r\nx-interim: ${code}\r\n\r\n`).join('')
  const chunked = answer.chunked === true || trailers !== undefined
  const bodiless = status === 204 || status === 304
  const framing = bodiless ? '' : chunked ? 'transfer-encoding: chunked\r\n' : `content-length: ${body.length}\r\n`
  const close = answer.close ? 'connection: close\r\n' : ''
  const head = `HTTP/1.1 ${status} Reason\r\n${lines(fields)}${framing}${close}\r\n`
  if (answer.cut === 'head') return { interim, head: head.slice(0, -4), body: '' }
  const withoutBody = bodiless || method === 'HEAD'
  const text = withoutBody ? '' : chunked ? chunkedBody(body, trailers ?? []) : body
  return { interim, head, body: answer.cut === 'body' ? text.slice(0, Math.ceil(text.length / 2)) : text }
}

function chunkedBody(body: string, trailers: readonly (readonly [string, string])[]): string {
  const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`
  return `${chunk}0\r\n${lines(trailers)}\r\n`
}

function lines(fields: readonly (readonly [string, string])[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
}
