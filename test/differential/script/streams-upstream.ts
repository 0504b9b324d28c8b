// An upstream of HTTP/2 that lets tunnels be asked for (RFC 8441), and does with each what it is told.
import { createServer, type ServerHttp2Stream } from 'node:http2'
import type { Server } from 'node:net'
import type { UpstreamHost } from '../upstreams.ts'
import { ServerStreamEnd } from './stream-end.ts'

export function createStreamsUpstream(host: UpstreamHost): Server {
  const server = createServer({ settings: { enableConnectProtocol: true } })
  server.on('connection', socket => host.opened(socket))
  server.on('sessionError', () => {})
  server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw) =>
    host.joined(new ServerStreamEnd(stream, raw)),
  )
  return server
}
