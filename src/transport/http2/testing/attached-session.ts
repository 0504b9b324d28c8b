// For tests: a session on a real socket, with the listeners and write batches that its owner must see to.
import type { Socket } from 'node:net'
import { closeBatch, openBatch } from '../../http/write-batch.ts'
import { Http2Session } from '../session.ts'
import type { Http2SessionHandler } from '../session-handler.ts'
import type { Http2Settings } from '../session-options.ts'

export function attachSession(
  side: 'server' | 'client',
  socket: Socket,
  handler: Http2SessionHandler,
  settings: Http2Settings,
): Http2Session {
  const session = new Http2Session(side, socket, handler, settings)
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => inBatch(() => session.receive(chunk)))
  socket.on('drain', () => inBatch(() => session.drained()))
  socket.on('close', () => inBatch(() => session.end()))
  inBatch(() => session.start())
  return session
}

/** As an event of the process would. */
export function inBatch(action: () => void): void {
  openBatch()
  try {
    action()
  } finally {
    closeBatch()
  }
}
