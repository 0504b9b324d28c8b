// The downstream client of HTTP/2, with prior knowledge: one request, on a connection of its own.
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Field, Message } from '../message.ts'
import { connectTo, SILENCE_MS, type Talk } from '../talk.ts'
import { flat, pairs, pseudo } from './fields.ts'

export interface Http2Dialogue {
  readonly protocol: 'http2'
  /** Pseudo-fields first. */
  readonly fields: readonly Field[]
  readonly body: string
  readonly trailers: readonly Field[]
  /** Between the head and the body. */
  readonly lateMs?: number
  /** The body is for when the head of the answer is here. */
  readonly behindAnswer?: boolean
  /** Nothing follows the head, and nothing says so. */
  readonly isCut?: boolean
  /** Between the response and what asks whether the connection is still open. */
  readonly lingerMs?: number
}

const PROBE: Http2Dialogue = {
  protocol: 'http2',
  fields: [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'probe'],
    [':path', '/probe'],
  ],
  body: '',
  trailers: [],
}

export async function talkHttp2(port: number, dialogue: Http2Dialogue): Promise<Talk> {
  const socket = await connectTo(port)
  const session = connect('http://127.0.0.1', { createConnection: () => socket })
  session.on('error', () => {})
  const localPort = socket.localPort ?? 0
  const { responses, code } = await exchange(session, dialogue)
  if (dialogue.lingerMs !== undefined) await new Promise(wake => setTimeout(wake, dialogue.lingerMs))
  const isOpen = !session.closed && !session.destroyed
  const probe = isOpen ? await exchange(session, PROBE) : null
  const end = probe?.responses.at(-1)?.complete ? 'kept' : 'closed'
  session.destroy()
  return { localPort, responses, end, leftover: code === 0 ? '' : `reset ${code}` }
}

interface Heard {
  readonly responses: readonly Message[]
  /** Of RST_STREAM; 0: none. */
  readonly code: number
}

function exchange(session: ClientHttp2Session, dialogue: Http2Dialogue): Promise<Heard> {
  const { fields, body, trailers, lateMs, behindAnswer = false, isCut = false } = dialogue
  return new Promise(resolve => {
    const responses: Message[] = []
    let head: Omit<Message, 'body' | 'trailers' | 'complete'> | null = null
    let text = ''
    let tail: readonly Field[] = []
    let complete = false
    const endStream = body === '' && trailers.length === 0 && !isCut
    const stream = session.request(flat(fields), { endStream, waitForTrailers: trailers.length > 0 })
    const timer = setTimeout(() => stream.close(), SILENCE_MS)
    const headOf = (raw: string[]): NonNullable<typeof head> => {
      const { own, fields } = pairs(raw)
      return { startLine: `HTTP/2 ${pseudo(own, ':status')}`, fields }
    }
    stream.on('headers', (_headers, _flags, raw: string[]) => {
      responses.push({ ...headOf(raw), body: '', trailers: [], complete: true })
    })
    stream.on('response', (_headers, _flags, raw: string[]) => {
      head = headOf(raw)
    })
    stream.on('trailers', (_headers, _flags, raw: string[]) => {
      tail = pairs(raw).fields
    })
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      timer.refresh()
    })
    stream.on('end', () => {
      complete = true
    })
    stream.on('error', () => {})
    stream.on('close', () => {
      clearTimeout(timer)
      const code = stream.rstCode ?? 0
      if (head) responses.push({ ...head, body: text, trailers: tail, complete: complete && code === 0 })
      resolve({ responses, code })
    })
    if (trailers.length > 0) stream.on('wantTrailers', () => stream.sendTrailers(Object.fromEntries(trailers)))
    if (endStream || isCut) return
    if (behindAnswer) stream.once('response', () => stream.end(body, 'latin1'))
    else if (lateMs === undefined) stream.end(body, 'latin1')
    else setTimeout(() => stream.destroyed || stream.end(body, 'latin1'), lateMs)
  })
}
