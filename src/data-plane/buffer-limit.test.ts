// per_connection_buffer_limit_bytes: what a listener's HTTP filters and its router keep of a message.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { filter, withFilters } from './http/testing/filter-stage.ts'
import { exchange } from './http/testing/raw-client.ts'
import { ok, rawUpstream } from './http/testing/raw-upstream.ts'
import { boundPort, connectionManager, listener, openProxy, staticCluster } from './mesh-fixture.ts'

const RETRIED: JsonValue = {
  name: 'r',
  virtual_hosts: [
    {
      name: 'all',
      domains: ['*'],
      routes: [
        {
          match: { prefix: '/' },
          route: { cluster: 'c', retry_policy: { retry_on: '5xx', num_retries: 1 } },
        },
      ],
    },
  ],
}

test('a body beyond the limit is not kept for another try; a change of the limit alone counts', async () => {
  let answers = 0
  const upstream = await rawUpstream(() =>
    answers++ === 0 ? 'HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n' : ok(),
  )
  const proxy = openProxy()
  assert.deepEqual(proxy.apply('cluster', [staticCluster('c', upstream.port)]), [])
  const chain = { filters: [connectionManager({ route_config: RETRIED })] }
  const statuses: number[] = []
  for (const limit of [{ per_connection_buffer_limit_bytes: 4000 }, {}, { per_connection_buffer_limit_bytes: 0 }]) {
    assert.deepEqual(proxy.apply('listener', [listener('l', [chain], limit)]), [])
    const port = await boundPort(proxy, 'l')
    answers = 0
    const text = `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5000\r\n\r\n${'x'.repeat(5000)}`
    statuses.push((await exchange(port, text)).status)
  }
  assert.deepEqual(statuses, [503, 200, 200])
  await proxy.close()
  await upstream.close()
})

test('a filter that keeps more of a request than the limit has it refused with 413', () => {
  const healthCheck = filter('health_check.v3.HealthCheck', { passThroughMode: false })
  return withFilters({ filters: [healthCheck], bufferLimit: 4000 }, async stage => {
    const post = (length: number, sent: number) =>
      stage.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n${'x'.repeat(sent)}`)
    assert.equal((await post(4000, 4000)).status, 200)
    assert.equal((await post(9000, 4001)).status, 413)
    assert.equal(stage.lastLog, '413 - request_payload_too_large')
  })
})
