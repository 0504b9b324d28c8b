// An upstream of HTTP/2 that answers the first request of each connection, on stream 1, with the very bytes it is told.
import { createServer, type Server, type Socket } from 'node:net'
import { FLAG, FRAME, PREFACE } from '../../../src/transport/http2/frame.ts'
import { frame, settings } from '../../../src/transport/http2/testing/raw-frames.ts'
import type { Field } from '../message.ts'
import type { UpstreamHost } from '../upstreams.ts'
import { FieldBlocks } from './field-blocks.ts'
import { pseudo } from './fields.ts'
import { FrameSplitter } from './frame-splitter.ts'

export function createFramesUpstream(host: UpstreamHost): Server {
  return createServer({ noDelay: true }, socket => {
    host.opened(socket)
    serve(socket, host)
  })
}

function serve(socket: Socket, host: UpstreamHost): void {
  const blocks = new FieldBlocks()
  let fields: readonly Field[] = []
  let preface = PREFACE.length
  const splitter = new FrameSplitter(read => {
    const block = blocks.take(read)
    if (block !== null) fields = block.fields
    if (read.type === FRAME.settings && (read.flags & FLAG.ack) === 0)
      socket.write(Buffer.concat([settings(), frame(FRAME.settings, FLAG.ack, 0)]))
    const ends = block?.endStream === true || (read.type === FRAME.data && (read.flags & FLAG.endStream) !== 0)
    if (!ends) return
    const startLine = `${pseudo(fields, ':method')} ${pseudo(fields, ':path')} HTTP/2`
    const rest = fields.filter(([name]) => name !== ':method' && name !== ':path')
    const { raw = '' } = host.answerTo({ startLine, fields: rest, body: '', trailers: [], complete: true })
    socket.write(raw, 'latin1')
  })
  socket.on('data', (chunk: Buffer) => {
    const skipped = Math.min(preface, chunk.length)
    preface -= skipped
    splitter.add(chunk.subarray(skipped))
  })
}
