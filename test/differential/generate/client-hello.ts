// The first bytes of a TLS client, as Node's own writes them.
import { Duplex } from 'node:stream'
import { connect } from 'node:tls'

export function clientHello(servername: string, ALPNProtocols: string[] = []): Promise<string> {
  return new Promise(resolve => {
    const socket = new Duplex({
      read: () => {},
      write: (bytes: Buffer, _encoding, written) => {
        resolve(bytes.toString('latin1'))
        written()
      },
    })
    const client = connect({ socket, servername, ALPNProtocols })
    client.on('error', () => {})
    setImmediate(() => client.destroy())
  })
}
