// An upstream that speaks what it is told.
import { createServer, type Server } from 'node:net'
import type { UpstreamHost } from '../upstreams.ts'
import { SocketEnd } from './socket-end.ts'

export function createBytesUpstream(host: UpstreamHost): Server {
  return createServer({ noDelay: true, allowHalfOpen: true }, socket => {
    host.opened(socket)
    host.joined(new SocketEnd(socket))
  })
}
