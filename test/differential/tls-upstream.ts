// An upstream over TLS that speaks what is agreed on, and adds to each request what its client has said in the handshake.
import type { Server } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { ENDPOINT_CERTIFICATES } from './certificates.ts'
import { serveHttp1 } from './http1/upstream.ts'
import { createHttp2Upstream } from './http2/upstream.ts'
import type { Field } from './message.ts'
import type { UpstreamHost } from './upstreams.ts'

export function createTlsUpstream(host: UpstreamHost): Server {
  const { certificateChain, privateKey } = ENDPOINT_CERTIFICATES[host.endpoint as keyof typeof ENDPOINT_CERTIFICATES]
  const options = { cert: certificateChain, key: privateKey, requestCert: true, rejectUnauthorized: false }
  const server = createServer({ ...options, ALPNProtocols: ['h2', 'http/1.1'] }, socket => {
    const said = handshakeFields(socket)
    const own: UpstreamHost = {
      ...host,
      answerTo: request => host.answerTo({ ...request, fields: [...request.fields, ...said] }),
    }
    if (socket.alpnProtocol === 'h2') createHttp2Upstream(own).emit('connection', socket)
    else serveHttp1(socket, own)
  })
  server.on('connection', socket => host.opened(socket))
  server.on('tlsClientError', () => {})
  return server
}

function handshakeFields(socket: TLSSocket): Field[] {
  return [
    ['(server name)', String((socket as { servername?: unknown }).servername)],
    ['(protocol)', String(socket.alpnProtocol)],
    ['(version)', String(socket.getProtocol())],
    ['(client)', socket.getPeerCertificate().subjectaltname ?? 'none'],
  ]
}
