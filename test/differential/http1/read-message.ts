// HTTP/1 messages out of bytes, as the wire has them.
import { type Field, type Message, valueOf } from '../message.ts'

export interface ReadOptions {
  /** Of the request that a response answers; absent for a request. */
  readonly answers?: string
  /** No more bytes will come. */
  readonly ended: boolean
}

/** Its head alone, as if nothing were to follow; null while there is more of it to come. */
export function readHead(bytes: string): Message | null {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const [startLine = '', ...lines] = bytes.slice(0, headEnd).split('\r\n')
  const fields = lines.map(splitField).map(inLowerCase)
  return { startLine, fields, body: '', trailers: [], complete: true }
}

/** The first message of `bytes` and how many of them it takes; null while more are needed. */
export function readMessage(bytes: string, options: ReadOptions): { message: Message; length: number } | null {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) {
    if (!options.ended || bytes === '') return null
    return { message: { startLine: bytes, fields: [], body: '', trailers: [], complete: false }, length: bytes.length }
  }
  const [startLine = '', ...lines] = bytes.slice(0, headEnd).split('\r\n')
  const head = lines.map(splitField)
  const fields = head.map(inLowerCase)
  const bodyStart = headEnd + 4
  const rest = bytes.slice(bodyStart)
  const body = readBody(startLine, fields, rest, options)
  if (body === null) return null
  const { text, length, complete } = body
  const trailers = body.trailers.map(inLowerCase)
  const spelt = [...head, ...body.trailers].map(([name]) => name).filter(name => name !== name.toLowerCase())
  return { message: { startLine, fields, body: text, trailers, complete, spelt }, length: bodyStart + length }
}

interface Body {
  readonly text: string
  readonly trailers: readonly Field[]
  readonly length: number
  readonly complete: boolean
}

function readBody(startLine: string, fields: readonly Field[], rest: string, options: ReadOptions): Body | null {
  const partial = (text: string): Body | null =>
    options.ended ? { text, trailers: [], length: rest.length, complete: false } : null
  const whole = (text: string): Body => ({ text, trailers: [], length: text.length, complete: true })
  if (options.answers !== undefined && isBodiless(startLine, options.answers)) return whole('')
  if (/chunked/i.test(valueOf(fields, 'transfer-encoding'))) return readChunked(rest) ?? partial(chunksOf(rest))
  const length = valueOf(fields, 'content-length')
  if (length !== '') {
    const wanted = Number(length)
    return rest.length >= wanted ? whole(rest.slice(0, wanted)) : partial(rest)
  }
  if (options.answers === undefined) return whole('')
  return options.ended ? whole(rest) : null
}

function isBodiless(startLine: string, method: string): boolean {
  const status = Number(startLine.split(' ')[1])
  return method === 'HEAD' || (status >= 100 && status < 200) || status === 204 || status === 304
}

function readChunked(rest: string): Body | null {
  let at = 0
  let text = ''
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const size = Number.parseInt(rest.slice(at, lineEnd), 16)
    at = lineEnd + 2
    if (size === 0 || Number.isNaN(size)) break
    if (rest.length < at + size + 2) return null
    text += rest.slice(at, at + size)
    at += size + 2
  }
  const trailers: Field[] = []
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const line = rest.slice(at, lineEnd)
    at = lineEnd + 2
    if (line === '') return { text, trailers, length: at, complete: true }
    trailers.push(splitField(line))
  }
}

/** What has come of a body that breaks off: how it was cut into chunks is nobody's business. */
function chunksOf(rest: string): string {
  let text = ''
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at)
    const size = lineEnd < 0 ? Number.NaN : Number.parseInt(rest.slice(at, lineEnd), 16)
    if (!(size > 0)) return text
    text += rest.slice(lineEnd + 2, lineEnd + 2 + size)
    at = lineEnd + size + 4
  }
}

function splitField(line: string): Field {
  const colon = line.indexOf(':')
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()]
}

function inLowerCase([name, value]: Field): Field {
  return [name.toLowerCase(), value]
}
