// How much a connection keeps of what its peer does not take: Envoy's per_connection_buffer_limit_bytes.
import type { Duplex } from 'node:stream'

/** In Envoy, where config says nothing. */
export const ENVOY_BUFFER_LIMIT = 1024 * 1024

interface Marks {
  readonly _writableState: { highWaterMark: number }
  readonly _readableState: { highWaterMark: number }
}

/** In Envoy 0 switches the limit off. */
export function bufferLimitOf(bytes: number | undefined): number {
  return bytes === 0 ? Number.POSITIVE_INFINITY : (bytes ?? ENVOY_BUFFER_LIMIT)
}

/**
 * At `bytes` that wait the socket is full, and whoever feeds it stops. Of what nobody has asked for yet no more is read
 * ahead than Node does anyway. The marks are set where Node keeps them: sockets that a server has accepted have the
 * server's, while its connections belong to a listener's config, which changes.
 */
export function limitBuffers(socket: Duplex, bytes: number): void {
  const { _writableState: outgoing, _readableState: incoming } = socket as unknown as Marks
  outgoing.highWaterMark = bytes
  if (bytes < incoming.highWaterMark) incoming.highWaterMark = bytes
}
