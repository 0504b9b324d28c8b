// A network in which internal listeners have addresses, too: Envoy's `envoy://LISTENER/ENDPOINT_ID`, without a port.
import type { Socket } from 'node:net'
import type { JsonObject } from '@bufbuild/protobuf'
import type { Network } from '../../transport/net/network.ts'
import { PairedSocket } from '../../transport/net/paired-socket.ts'
import { InternalSocket } from './internal-socket.ts'

const SCHEME = 'envoy://'

/** `endpointId` tells endpoints of one listener apart, and may be empty. */
export function internalAddress(listener: string, endpointId: string): string {
  return `${SCHEME}${encodeURIComponent(listener)}/${endpointId}`
}

/** Port 0 belongs to no socket address of an endpoint. */
export function isInternal(address: string, port: number): boolean {
  return port === 0 && address.startsWith(SCHEME)
}

/** As Envoy's admin pages show an address. */
export function addressToJson(address: string, port: number): JsonObject {
  if (!isInternal(address, port)) return { socket_address: { address, port_value: port } }
  const server_listener_name = decodeURIComponent(listenerOf(address))
  const endpoint_id = address.slice(address.indexOf('/', SCHEME.length) + 1)
  return { envoy_internal_address: { server_listener_name, ...(endpoint_id === '' ? {} : { endpoint_id }) } }
}

export function internalNetwork(network: Network): Network {
  const listeners = new Map<string, (socket: Socket) => void>()
  return {
    connect(address, port, lookup) {
      if (!isInternal(address, port)) return network.connect(address, port, lookup)
      const socket = new InternalSocket(address)
      Object.assign(socket, { connecting: true })
      process.nextTick(() => {
        if (socket.destroyed) return
        Object.assign(socket, { connecting: false })
        const accept = listeners.get(listenerOf(address))
        if (accept === undefined) {
          socket.destroy(Object.assign(new Error('no such listener'), { code: 'ECONNREFUSED' }))
          return
        }
        const far = new InternalSocket(address)
        far.carried = socket.carried
        PairedSocket.join(socket, far)
        accept(far)
        socket.emit('connect')
      })
      return socket
    },

    async listen(address, port, onConnection) {
      if (!isInternal(address, port)) return await network.listen(address, port, onConnection)
      const name = listenerOf(address)
      listeners.set(name, onConnection)
      return {
        address,
        port,
        close: async () => {
          if (listeners.get(name) === onConnection) listeners.delete(name)
        },
      }
    },

    resolve: hostname => network.resolve(hostname),
  }
}

function listenerOf(address: string): string {
  return address.slice(SCHEME.length, address.indexOf('/', SCHEME.length))
}
