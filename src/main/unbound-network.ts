// A network that takes every address and carries nothing: a config is rehearsed on it.
import { Socket } from 'node:net'
import type { Network } from '../transport/net/network.ts'

export const UNBOUND_NETWORK: Network = {
  connect: () => new Socket(),
  listen: async (address, port) => ({ address, port, close: async () => {} }),
  resolve: async () => [],
}
