// What a picker is told by the router: the request's hash, and which of its answers were turned down.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { Uint64 } from '../../../../base/uint64.ts'
import { xxHash64 } from '../../../../base/xx-hash64.ts'
import { RouteAction_HashPolicySchema } from '../../../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import type { Endpoint, PickContext } from '../../../cluster/cluster.ts'
import { FakeCluster, fakeEndpoint, forwardRoute, RETRY, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { exchange } from '../../../http/testing/raw-client.ts'
import { ok, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { compileHashPolicy } from '../../../route/hash-policy.ts'
import { type ForwardRoute, RETRY_ON } from '../../../route/route-entry.ts'
import { HTTP_CONNECTION_MANAGER } from '../../network/http-connection-manager/factory.ts'

/** Notes what its picker is asked with, and answers by the attempt. */
class AskedCluster extends FakeCluster {
  readonly asked: [string | null, number][] = []
  override readonly picker = {
    pick: (context: PickContext): Endpoint => {
      this.asked.push([context.hash()?.toHex() ?? null, context.attempt])
      return this.endpoints[Math.min(context.attempt, this.endpoints.length - 1)]!
    },
  }
}

const closing: { close(): Promise<void> }[] = []
after(async () => {
  for (const each of closing) await each.close()
})

async function proxyTo(cluster: FakeCluster, fields: Partial<ForwardRoute>): Promise<number> {
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [cluster],
    route: forwardRoute('c', fields),
  })
  closing.push(proxy)
  return proxy.port
}

async function upstream(answer: string): Promise<number> {
  const server = await rawUpstream(() => answer)
  closing.push(server)
  return server.port
}

function cookiePolicy() {
  const message = create(RouteAction_HashPolicySchema, {
    policySpecifier: { case: 'cookie', value: { name: 'sess', ttl: { seconds: 60n } } },
  })
  return compileHashPolicy([message], '', new ResourceCheck(''))
}

test('a client without the cookie is hashed by the one that it is given', async () => {
  const cluster = new AskedCluster('c', await upstream(ok()))
  const port = await proxyTo(cluster, { hashPolicy: cookiePolicy() })
  const first = await exchange(port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  const given = /^sess="([0-9a-f]{16})"; Max-Age=60; HttpOnly$/.exec(first.headers['set-cookie'] ?? '')?.[1]
  assert.ok(given !== undefined)
  const again = await exchange(port, `GET / HTTP/1.1\r\nhost: a\r\ncookie: sess=${given}\r\n\r\n`)
  assert.equal(again.headers['set-cookie'], undefined)
  const hash = xxHash64(new Uint64(), given).toHex()
  assert.deepEqual(cluster.asked, [
    [hash, 0],
    [hash, 0],
  ])
})

test('an endpoint that the stream has tried is turned down, and the picker told so', async () => {
  const cluster = new AskedCluster('c', await upstream('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n'))
  cluster.endpoints.push(fakeEndpoint(await upstream(ok())))
  const retry = { ...RETRY, attempts: 1, retryOn: RETRY_ON['5xx'], avoidPreviousHosts: true }
  const port = await proxyTo(cluster, { retry })
  assert.equal((await exchange(port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')).status, 200)
  assert.deepEqual(cluster.asked, [
    [null, 0],
    [null, 0],
    [null, 1],
  ])
})
