// Sockets that connect to some of a name's addresses only.
import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { Network } from './network.ts'

export type AddressChoice = (addresses: readonly string[]) => readonly string[]

export function lookupNetwork(network: Network, choose: AddressChoice): Network {
  const lookupChosen = chosenLookup(choose)
  return { ...network, connect: (address, port) => network.connect(address, port, lookupChosen) }
}

/** Of the addresses that are left all are tried, where there are several (RFC 8305). */
function chosenLookup(choose: AddressChoice): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, [])
      const chosen = new Set(choose(found.map(({ address }) => address)))
      const left = found.filter(({ address }) => chosen.has(address))
      const [first] = left
      if (first === undefined) {
        const none = new Error(`${hostname} has no address of the family that config asks for`)
        return callback(Object.assign(none, { code: 'ENOTFOUND' }), [])
      }
      if (options.all) callback(null, left)
      else callback(null, first.address, first.family)
    })
  }
}
