// A client that sends hostile bytes and takes down what comes.
import { connect, type Socket } from 'node:net'
import { joinWords, readMessages } from './message-text.ts'

const HONEST = 'GET /honest HTTP/1.1\r\nhost: a\r\n\r\n'

export class Http1Attacker {
  readonly #socket: Socket
  #bytes = ''
  #isClosed = false

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('error', () => {})
    this.#socket.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.toString('latin1')
    })
    this.#socket.on('close', () => {
      this.#isClosed = true
    })
  }

  send(bytes: string | Buffer): void {
    this.#socket.write(bytes, 'latin1')
  }

  deafen(): void {
    this.#socket.pause()
  }

  hearAgain(): void {
    this.#socket.resume()
  }

  /** The statuses that come, and whether an honest request may follow. */
  async outcome(): Promise<string> {
    await until(() => this.#isClosed || readMessages(this.#bytes).some(({ isWhole }) => isWhole))
    this.send(HONEST)
    await until(() => this.#isClosed || this.#isHonoured)
    const statuses = this.#statuses()
    if (this.#isHonoured) statuses.pop()
    return joinWords([...statuses, this.#isHonoured ? 'kept' : 'closed'])
  }

  /** An honest request is answered. */
  async honest(): Promise<boolean> {
    this.#bytes = ''
    this.send(HONEST)
    await until(() => this.#isClosed || this.#isHonoured)
    return this.#isHonoured
  }

  close(): void {
    this.#socket.destroy()
  }

  get #isHonoured(): boolean {
    return readMessages(this.#bytes).at(-1)?.body === '/honest'
  }

  #statuses(): string[] {
    return readMessages(this.#bytes).map(({ start, fields, isWhole }) => {
      const status = start.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)
      const location = /^location: (.*)\r$/m.exec(fields)?.[1]
      return `${status}${location === undefined ? '' : ` to ${location}`}${isWhole ? '' : ' cut short'}`
    })
  }
}

export async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise(resolve => setImmediate(resolve))
}
