import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import type { ConnectionInfo } from '../../../connection-info.ts'
import { FakeCluster } from '../../../http/testing/fake-proxy.ts'
import { formatConnectionFlags } from '../../../response-flag.ts'
import { StreamInfo } from '../../../stream-info.ts'
import type { TcpProxyConfig } from './config.ts'
import { UpstreamLink } from './upstream-link.ts'

/** What the owner hears: the flags, and the connections that count by then. */
function givenUp(cluster: FakeCluster, maxConnectAttempts: number): [flags: string, connections: number][] {
  const clusters = new Map([[cluster.name, cluster]])
  const config = { clusters, clock: new FakeClock(), maxConnectAttempts, tunnel: null } as unknown as TcpProxyConfig
  const info = new StreamInfo({} as ConnectionInfo, 0, 0)
  const heard: [string, number][] = []
  const owner = {
    onConnected: () => {},
    onGivenUp: () => heard.push([formatConnectionFlags(info.responseFlags), cluster.resources.connections.count]),
  }
  new UpstreamLink(owner, config, info).connect(cluster.name)
  return heard
}

test('who is told that there will be no connection may make another at once', () => {
  assert.deepEqual(givenUp(new FakeCluster('empty'), 1), [['UH', 0]])
  assert.deepEqual(givenUp(new FakeCluster('tried', 1), 0), [['URX', 0]])
})
