// The servers behind the proxy: they answer with what they saw, as those of the recording did.
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:net'
import type { UpstreamBehaviour } from '../case-file.ts'
import { listenOnLoopback } from './loopback-network.ts'

export interface Upstream {
  readonly port: number
  close(): Promise<void>
}

export async function startUpstream(behaviour: string | UpstreamBehaviour): Promise<Upstream> {
  const settings = typeof behaviour === 'string' ? { name: behaviour } : behaviour
  const server: Server = settings.tcp
    ? createServer(socket => socket.on('error', () => {}).end(`${settings.name}\n`))
    : echoServer(settings)
  const sockets = new Set<import('node:net').Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const port = await listenOnLoopback(server)
  return {
    port,
    close: () =>
      new Promise(done => {
        server.close(() => done())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function echoServer({ name, status = 200, delayMs = 0, headers = {}, failFirst = 0 }: UpstreamBehaviour): Server {
  let failures = failFirst
  const answer = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    const { method, url: path, headers: seen } = request
    response.writeHead(failures-- > 0 ? 503 : status, { 'x-upstream': name, ...headers })
    response.end(JSON.stringify({ upstream: name, method, path, headers: seen, body }))
  }
  return createHttpServer((request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += String(chunk)
    })
    request.on('end', () => {
      if (delayMs === 0) answer(request, response, body)
      else setTimeout(answer, delayMs, request, response, body)
    })
  })
}
