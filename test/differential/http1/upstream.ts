// An upstream that speaks HTTP/1.1.
import { createServer, type Server, type Socket } from 'node:net'
import { ANSWER_FIELD, answerBytes, isEarly } from '../answer.ts'
import { type Message, valueOf } from '../message.ts'
import type { UpstreamHost } from '../upstreams.ts'
import { readHead, readMessage } from './read-message.ts'

/** Between the bytes of an answer that breaks off and the end of its connection. */
const BREAK_DELAY_MS = 20

export function createHttp1Upstream(host: UpstreamHost): Server {
  return createServer({ noDelay: true }, socket => {
    host.opened(socket)
    serveHttp1(socket, host)
  })
}

export function serveHttp1(socket: Socket, host: UpstreamHost): void {
  let unread = ''
  /** What is to follow the answer to the request that is being read; null: it has none yet. */
  let rest: (() => void) | null = null
  socket.on('data', chunk => {
    unread += chunk.toString('latin1')
    for (;;) {
      const head = rest === null ? readHead(unread) : null
      if (head !== null && isEarly(valueOf(head.fields, ANSWER_FIELD))) rest = answer(host, head, socket)
      const read = readMessage(unread, { ended: false })
      if (read === null) return
      unread = unread.slice(read.length)
      if (rest === null) answer(host, read.message, socket)()
      else rest()
      rest = null
    }
  })
}

/** Gives what the answer leaves for when the request is whole. */
function answer(host: UpstreamHost, request: Message, socket: Socket): () => void {
  const nothing = (): void => {}
  const answer = host.answerTo(request)
  const method = request.startLine.split(' ')[0] ?? ''
  const breaks = answer.cut !== undefined || answer.close === true || answer.raw !== undefined
  if (breaks) host.ending(socket)
  if (answer.cut === 'before') {
    later(answer.delayMs, () => void socket.end())
    return nothing
  }
  const { interim, head, body } = answerBytes(answer, method, `from ${host.endpoint}`)
  const write = (bytes: string): void => {
    if (bytes !== '') socket.write(bytes, 'latin1')
  }
  const finish = (bytes: string): void => {
    write(bytes)
    if (breaks) setTimeout(() => socket.end(), answer.cut === undefined ? 0 : BREAK_DELAY_MS)
  }
  if (answer.early === 'head') {
    write(interim + head)
    return () => finish(body)
  }
  // What nothing keeps apart is written as one.
  if (answer.delayMs !== undefined) write(interim)
  const first = answer.delayMs === undefined ? interim + head : head
  later(answer.delayMs, () => {
    if (answer.bodyDelayMs === undefined) finish(first + body)
    else {
      write(first)
      setTimeout(() => finish(body), answer.bodyDelayMs)
    }
  })
  return nothing
}

function later(ms: number | undefined, act: () => void): void {
  if (ms === undefined) act()
  else setTimeout(act, ms)
}
