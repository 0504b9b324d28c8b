// Many connections at once: each asks once, reads the answer and stays open.
import { connect, type Socket } from 'node:net'
import { AUTHORITY } from './load-result.ts'

const AT_A_TIME = 100

export interface IdleConnections extends AsyncDisposable {
  /** How many the other side has closed since. */
  readonly closed: number
  /** How long each waited for its answer, from its first packet on: milliseconds. */
  readonly waits: readonly number[]
}

export async function openConnections(port: number, path: string, count: number): Promise<IdleConnections> {
  const request = `GET ${path} HTTP/1.1\r\nhost: ${AUTHORITY}\r\n\r\n`
  const sockets: Socket[] = []
  const waits: number[] = []
  let closed = 0
  let started = 0
  const openOne = (): Promise<void> =>
    new Promise((done, fail) => {
      const from = performance.now()
      const socket = connect(port, '127.0.0.1', () => socket.write(request))
      socket.once('data', () => {
        waits.push(performance.now() - from)
        done()
      })
      socket.once('error', fail)
      socket.once('close', () => (closed += 1))
      socket.resume()
      sockets.push(socket)
    })
  const openMany = async (): Promise<void> => {
    while (started++ < count) await openOne()
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, openMany))
  return {
    waits,
    get closed() {
      return closed
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(sockets.map(socket => new Promise(done => socket.once('close', done).destroy())))
    },
  }
}
