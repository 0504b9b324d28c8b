// The admin port: node:http. Whoever can reach it can stop the proxy; on loopback a web page must not.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { createServer } from '../../transport/http/node-http.ts'
import { descriptorOf, placeOf } from '../../transport/net/system-network.ts'
import { type AdminSource, answerAdmin } from './admin-pages.ts'
import type { AdminReply } from './admin-reply.ts'

const BASE = 'http://admin'
const MAX_CONNECTIONS = 64
/** Whoever takes no more of a page, or waits for an event loop that answers no more, would keep one of them for good. */
const STALLED_MS = 60_000
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]'])
const REFUSED: AdminReply = {
  status: 403,
  contentType: 'text/plain; charset=UTF-8',
  body: 'the admin port answers to loopback names only\n',
}

export class AdminServer {
  readonly #server: Server
  readonly port: number
  /** A successor may inherit it; undefined where the system has none. */
  readonly fd: number | undefined

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.fd = descriptorOf(server)
  }

  /** Rejects with the system's error when the port cannot be bound. 0: any free one. `fd`: a socket bound there already. */
  static open(host: string, port: number, source: AdminSource, fd?: number): Promise<AdminServer> {
    const server = createServer(adminListener(host, source))
    server.maxConnections = MAX_CONNECTIONS
    server.timeout = STALLED_MS
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(fd === undefined ? placeOf(host, port) : { fd }, () => {
        server.off('error', reject)
        resolve(new AdminServer(server))
      })
    })
  }

  close(): Promise<void> {
    return new Promise(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeIdleConnections()
      // A poller that keeps its connection busy must not keep the process.
      this.#server.closeAllConnections()
    })
  }
}

/** Answers requests that come to `host`. */
export function adminListener(
  host: string,
  source: AdminSource,
): (request: IncomingMessage, response: ServerResponse) => void {
  // At another address it is meant for other machines, which know this one by names that are not known here.
  const guarded = isLoopback(host)
  return (request, response) => handle(source, guarded, request, response)
}

function handle(source: AdminSource, guarded: boolean, request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  const reply = guarded && isForeign(request) ? REFUSED : answer(source, request)
  if (reply instanceof Promise) {
    const failed = (error: unknown): AdminReply => pageFailed(source, request, error)
    void reply.catch(failed).then(found => respond(source, found, request, response))
  } else respond(source, reply, request, response)
}

function respond(source: AdminSource, reply: AdminReply, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(reply.status, {
    'content-type': reply.contentType,
    'cache-control': 'no-cache, max-age=0',
    'x-content-type-options': 'nosniff',
  })
  if (request.method === 'HEAD') response.end()
  else if (typeof reply.body === 'string') response.end(reply.body)
  else void send(source, reply.body, request, response)
}

/** A page that fails by now ends where it is, which its reader sees by the missing last chunk. */
async function send(
  source: AdminSource,
  pieces: Iterable<string>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await pipeline(inTurns(pieces), response)
  } catch (error) {
    if (!isGone(error)) pageFailed(source, request, error)
  }
}

async function* inTurns(pieces: Iterable<string>): AsyncGenerator<string> {
  for (const piece of pieces) {
    if (piece !== '') yield piece
    await new Promise(setImmediate)
  }
}

/** The reader has left, or a network has failed it. */
function isGone(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).code === 'string'
}

/** Whatever is wrong with a page, traffic goes on. */
function answer(source: AdminSource, request: IncomingMessage): AdminReply | Promise<AdminReply> {
  const { method = 'GET', url = '/' } = request
  try {
    return answerAdmin(source, method, URL.parse(url, BASE) ?? new URL('/invalid', BASE))
  } catch (error) {
    return pageFailed(source, request, error)
  }
}

function pageFailed({ log }: AdminSource, { url = '' }: IncomingMessage, error: unknown): AdminReply {
  log.error('admin page failed', { url: url.slice(0, 200), why: (error as Error).stack })
  return { status: 500, contentType: 'text/plain; charset=UTF-8', body: 'the page failed; the log says why\n' }
}

/** DNS rebinding brings a foreign Host; a page of another site, or of another port of this machine, a foreign Origin. */
function isForeign({ headers }: IncomingMessage): boolean {
  if (!LOOPBACK_NAMES.has(hostOf(headers.host ?? ''))) return true
  const { origin, host } = headers
  return origin !== undefined && origin !== `http://${host}`
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, '').toLowerCase()
}
