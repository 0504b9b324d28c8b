// Reads the first bytes of a connection before anyone owns it.
import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'

export type PeekEnd = 'decided' | 'timeout' | 'closed'

export interface PeekOptions {
  readonly clock: Clock
  /** 0: for ever, as Envoy's listener_filters_timeout. */
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Sees all bytes so far; true ends the peeking. Called first with what has come, maybe nothing. */
  decide(bytes: Buffer): boolean
}

/** Calls back once with what was read; those bytes are no longer in the socket. */
export function peek(socket: Socket, options: PeekOptions, onEnd: (end: PeekEnd, bytes: Buffer) => void): void {
  let bytes: Buffer = Buffer.alloc(0)
  const finish = (end: PeekEnd): void => {
    timer?.cancel()
    socket.off('readable', onReadable).off('close', onClose).off('error', onClose)
    onEnd(end, bytes)
  }
  const onReadable = (): void => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    }
    if (bytes.length === 0) return
    if (options.decide(bytes) || bytes.length >= options.maxBytes) finish('decided')
  }
  const onClose = (): void => finish('closed')
  const timer = options.timeoutMs > 0 ? options.clock.setTimer(options.timeoutMs, () => finish('timeout')) : null
  socket.on('readable', onReadable).on('close', onClose).on('error', onClose)
}
