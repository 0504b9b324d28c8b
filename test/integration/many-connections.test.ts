// Ten thousand keep-alive connections through the gateway: each is answered, stays open, and is answered again.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { RunningMesh } from './running-mesh.ts'

const CONNECTIONS = 10_000
const CONNECTING_AT_ONCE = 200

/** Of this process and the gateway each has one for every connection, and others. */
const OPEN_FILES = CONNECTIONS + 1000
const { userLimits } = process.report.getReport() as { userLimits?: { open_files: { hard: number | 'unlimited' } } }
const allowed = Number(userLimits?.open_files.hard)
const skip = allowed < OPEN_FILES && `a process may open ${allowed} files here`

let mesh: RunningMesh
before(async () => {
  if (skip === false) mesh = await RunningMesh.start(join(import.meta.dirname, 'echo-mesh'))
})
after(async () => await mesh?.stop())

async function open(port: number): Promise<Socket> {
  return await new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1', () => done(socket))
    socket.once('error', fail)
  })
}

/** Sends one request and resolves with the status of its response, once that has come whole. */
async function exchange(socket: Socket): Promise<number> {
  return await new Promise((done, fail) => {
    let text = ''
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      if (head < 0) return
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN)
      const chunked = /\r\ntransfer-encoding: chunked/i.test(text)
      if (chunked ? !text.endsWith('0\r\n\r\n') : text.length < head + 4 + length) return
      socket.off('data', onData)
      socket.off('close', onClose)
      done(Number(text.slice(9, 12)))
    }
    const onClose = (): void => fail(new Error('closed before the answer'))
    socket.on('data', onData)
    socket.on('close', onClose)
    socket.write('GET / HTTP/1.1\r\nhost: echo\r\n\r\n')
  })
}

async function inBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += CONNECTING_AT_ONCE) {
    results.push(...(await Promise.all(items.slice(at, at + CONNECTING_AT_ONCE).map(work))))
  }
  return results
}

test('10 000 keep-alive connections are answered twice each', { skip }, async () => {
  const port = Number(new URL(mesh.gateway).port)
  const sockets = await inBatches(
    Array.from({ length: CONNECTIONS }, () => port),
    open,
  )
  try {
    for (const round of ['first', 'second']) {
      const statuses = await inBatches(sockets, exchange)
      assert.equal(statuses.filter(status => status === 200).length, CONNECTIONS, `${round} round`)
    }
    assert.ok(sockets.every(socket => !socket.destroyed))
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})
