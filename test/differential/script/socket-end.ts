// An end that is a connection: bytes as they are, and heads in the words of HTTP/1.1.
import type { Socket } from 'node:net'
import type { Agreement, End, Opening } from './end.ts'

export class SocketEnd implements End {
  readonly #socket: Socket
  readonly #raw: Socket
  heard = ''
  state = 'open'
  events = 0

  /** Stays half-open when its peer ends (`allowHalfOpen`); `raw` is what TLS runs over. */
  constructor(socket: Socket, raw: Socket = socket) {
    this.#socket = socket
    this.#raw = raw
    socket.on('data', chunk => {
      this.heard += chunk.toString('latin1')
      this.events += 1
    })
    socket.on('end', () => this.#become('ended'))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') this.#become('reset')
    })
    socket.on('close', () => {
      this.events += 1
    })
  }

  get isWritable(): boolean {
    return this.#socket.writable
  }

  open({ method, path, authority, upgrade, fields = [] }: Opening): void {
    const target = method === 'CONNECT' ? authority : path
    const options = upgrade === undefined ? '' : `connection: upgrade\r\nupgrade: ${upgrade}\r\n`
    this.send(`${method} ${target} HTTP/1.1\r\nhost: ${authority}\r\n${options}${lines(fields)}\r\n`)
  }

  agree({ status, fields = [], last = false }: Agreement): void {
    this.send(`HTTP/1.1 ${status} Reason\r\n${lines(fields)}${last ? 'content-length: 0\r\n' : ''}\r\n`)
  }

  send(bytes: string): void {
    this.#socket.write(bytes, 'latin1')
  }

  end(): void {
    this.#socket.end()
  }

  reset(): void {
    this.#raw.resetAndDestroy()
  }

  release(): void {
    this.#socket.destroy()
  }

  #become(state: string): void {
    this.state = this.state === 'open' ? state : `${this.state}, ${state}`
    this.events += 1
  }
}

function lines(fields: readonly (readonly [string, string])[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
}
