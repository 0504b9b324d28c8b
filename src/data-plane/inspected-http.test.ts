// HTTP behind listener filters, which have read a connection's first bytes before HTTP sees it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import type { Network } from '../transport/net/network.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import {
  boundPort,
  connectionManager,
  listener,
  listenerFilter,
  openProxy,
  routes,
  staticCluster,
} from './mesh-fixture.ts'

const application = createServer((request, response) => {
  if (request.url !== '/hang') response.end('hello')
})
application.listen(0, '127.0.0.1')
await once(application, 'listening')

const accepted: Socket[] = []
const network: Network = {
  ...systemNetwork,
  listen: (address, port, onConnection) =>
    systemNetwork.listen(address, port, socket => {
      accepted.push(socket)
      onConnection(socket)
    }),
}
const proxy = openProxy({ network })
proxy.apply('cluster', [staticCluster('app', (application.address() as AddressInfo).port)])
const chain = { filters: [connectionManager({ route_config: routes('r', 'app') })] }
const filters = { listener_filters: [listenerFilter('tls_inspector'), listenerFilter('http_inspector')] }
assert.deepEqual(proxy.apply('listener', [listener('inspected', [chain], filters)]), [])
const port = await boundPort(proxy, 'inspected')
after(async () => {
  await proxy.close()
  application.closeAllConnections()
  application.close()
})

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('an HTTP/2 client whose preface was all there was to inspect is read on from', async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  await once(session, 'remoteSettings')
  for (let i = 0; i < 3; i++) assert.equal(await text(session.request()), 'hello')
  session.destroy()
})

test('a client that has sent requests ahead with its first is held up until that is answered', async () => {
  accepted.length = 0
  const client = connect(port, '127.0.0.1')
  client.on('error', () => {})
  client.write('GET /hang HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n')
  while (accepted.length === 0 || proxy.clusters.get('app')!.stats.upstreamRqActive.value === 0) await turn()
  const offered = 16 * 1024 * 1024
  const request = Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2000))
  let written = 0
  for (let idle = 0; written < offered && idle < 200; idle++) {
    if (client.writableLength === 0) {
      client.write(request)
      written += request.length
      idle = 0
    }
    await turn()
  }
  const { bytesRead } = accepted[0]!
  assert.ok(bytesRead < 256 * 1024, `${bytesRead} bytes read`)
  client.destroy()
})
