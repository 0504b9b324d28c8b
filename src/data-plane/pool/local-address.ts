// The own end of an upstream connection, as the access log has it.
import type { Socket } from 'node:net'
import { INTERNAL_CLIENT, InternalSocket } from '../internal-listener/internal-socket.ts'

export function localAddressOf(socket: Socket): string {
  if (socket instanceof InternalSocket) return INTERNAL_CLIENT
  return `${socket.localAddress ?? ''}:${socket.localPort ?? 0}`
}
