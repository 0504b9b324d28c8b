// An upstream that speaks HTTP/1.1.
import { createServer, type Server, type Socket } from 'node:net'
import { answerBytes } from '../answer.ts'
import type { Message } from '../message.ts'
import type { UpstreamHost } from '../upstreams.ts'
import { readMessage } from './read-message.ts'

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
  socket.on('data', chunk => {
    unread += chunk.toString('latin1')
    for (;;) {
      const read = readMessage(unread, { ended: false })
      if (read === null) return
      unread = unread.slice(read.length)
      answer(host, read.message, socket)
    }
  })
}

function answer(host: UpstreamHost, request: Message, socket: Socket): void {
  const answer = host.answerTo(request)
  const method = request.startLine.split(' ')[0] ?? ''
  const breaks = answer.cut !== undefined || answer.close === true || answer.raw !== undefined
  if (breaks) host.ending(socket)
  if (answer.cut === 'before') {
    later(answer.delayMs, () => void socket.end())
    return
  }
  const { interim, head, body } = answerBytes(answer, method, `from ${host.endpoint}`)
  const write = (bytes: string): void => {
    if (bytes !== '') socket.write(bytes, 'latin1')
  }
  const finish = (bytes: string): void => {
    write(bytes)
    if (breaks) setTimeout(() => socket.end(), answer.cut === undefined ? 0 : BREAK_DELAY_MS)
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
}

function later(ms: number | undefined, act: () => void): void {
  if (ms === undefined) act()
  else setTimeout(act, ms)
}
