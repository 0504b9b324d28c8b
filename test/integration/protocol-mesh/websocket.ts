// Answers requests, and echoes on what they are upgraded to (RFC 6455's handshake; frames go back as they came).
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.end(`${request.method} ${request.url} HTTP/${request.httpVersion}`)
}

function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const accept = createHash('sha1').update(key).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  )
  socket.write(head)
  socket.pipe(socket).on('error', () => {})
}

for (const port of [process.env['PORT'], process.env['PORT_ANY']])
  if (port !== undefined) createServer(answer).on('upgrade', upgrade).listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
