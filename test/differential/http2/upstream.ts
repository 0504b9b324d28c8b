// An upstream that speaks HTTP/2, with prior knowledge.
import { constants, createServer, type ServerHttp2Stream } from 'node:http2'
import type { Server } from 'node:net'
import { ANSWER_FIELD, type Answer, isEarly } from '../answer.ts'
import { type Message, valueOf } from '../message.ts'
import type { UpstreamHost } from '../upstreams.ts'
import { flat, pairs, pseudo } from './fields.ts'

const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR } = constants

export function createHttp2Upstream(host: UpstreamHost): Server {
  const server = createServer()
  server.on('connection', socket => host.opened(socket))
  server.on('sessionError', () => {})
  server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw) => {
    const { own, fields } = pairs(raw)
    let body = ''
    let trailers: Message['trailers'] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1')
    })
    stream.on('trailers', (_trailers, _flags, rawTrailers: string[]) => {
      trailers = pairs(rawTrailers).fields
    })
    const early = isEarly(valueOf(fields, ANSWER_FIELD))
    const answerIt = (): void => {
      const startLine = `${pseudo(own, ':method')} ${pseudo(own, ':path')} HTTP/2`
      const whole = [...own.filter(([name]) => name === ':authority' || name === ':scheme'), ...fields]
      const answer = host.answerTo({ startLine, fields: whole, body, trailers, complete: true })
      if (answer.raw === undefined && answer.cut !== 'before')
        for (const code of answer.interim ?? [])
          stream.additionalHeaders({ ':status': code, 'x-interim': String(code) })
      const send = (): void => respond(stream, answer, `from ${host.endpoint}`, pseudo(own, ':method'), host)
      if (answer.delayMs === undefined) send()
      else setTimeout(send, answer.delayMs)
    }
    if (early) answerIt()
    stream.on('end', () => {
      // Node ends what was reset, too: no request, and it may come when the next case has begun.
      if (!early && !stream.aborted && stream.rstCode === NGHTTP2_NO_ERROR) answerIt()
    })
  })
  return server
}

function respond(
  stream: ServerHttp2Stream,
  answer: Answer,
  fallback: string,
  method: string,
  host: UpstreamHost,
): void {
  if (stream.destroyed) return
  const { status = 200, fields = [], body = fallback, trailers = [], bodyDelayMs, cut } = answer
  if (answer.raw !== undefined) {
    stream.close(NGHTTP2_PROTOCOL_ERROR)
    return
  }
  if (cut === 'before') {
    const socket = stream.session?.socket
    if (socket) host.ending(socket)
    stream.session?.destroy()
    return
  }
  if (cut === 'head') {
    stream.close(NGHTTP2_INTERNAL_ERROR)
    return
  }
  const bodiless = status === 204 || status === 304 || method === 'HEAD'
  const length =
    answer.chunked || trailers.length > 0 || bodiless ? [] : [['content-length', String(body.length)] as const]
  const head = flat([[':status', String(status)], ...fields, ...length])
  const endStream = bodiless || (body === '' && trailers.length === 0)
  stream.respond(head, { endStream, waitForTrailers: trailers.length > 0 && !bodiless })
  if (endStream) return
  if (trailers.length > 0) stream.on('wantTrailers', () => stream.sendTrailers(Object.fromEntries(trailers)))
  if (cut === 'body') {
    stream.write(body.slice(0, Math.ceil(body.length / 2)), 'latin1', () => stream.close(NGHTTP2_INTERNAL_ERROR))
    return
  }
  if (answer.early === 'head') stream.once('end', () => stream.destroyed || stream.end(body, 'latin1'))
  else if (bodyDelayMs === undefined) stream.end(body, 'latin1')
  else setTimeout(() => stream.destroyed || stream.end(body, 'latin1'), bodyDelayMs)
}
