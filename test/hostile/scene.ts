// What a client of a real connection manager gets for hostile bytes, what of them reaches the upstream, and where it shows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../src/base/clock.ts'
import { HTTP_CONNECTION_MANAGER } from '../../src/data-plane/filters/network/http-connection-manager/factory.ts'
import { FakeCluster, type FakeProxy, startFakeProxy } from '../../src/data-plane/http/testing/fake-proxy.ts'
import { formatResponseFlags } from '../../src/data-plane/response-flag.ts'
import type { HostileCase, HostileClass } from './hostile-case.ts'
import { Http1Attacker, until } from './http1-attacker.ts'
import { Http2Attacker } from './http2-attacker.ts'
import { joinWords } from './message-text.ts'
import { RecordingUpstream } from './recording-upstream.ts'

/** A test for each case: the table says what happens, and another connection never notices. */
export function testHostile(hostile: HostileClass): void {
  for (const attack of hostile.cases) test(`${hostile.title}: ${attack.name}`, () => run(hostile, attack))
}

async function run(hostile: HostileClass, attack: HostileCase): Promise<void> {
  const { config = {}, protocol, counts, logs } = hostile
  const upstream = await RecordingUpstream.start()
  const clusters = [new FakeCluster('c', upstream.port)]
  const clock = new FakeClock()
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters, config, clock })
  const bystander = new Http1Attacker(proxy.port)
  try {
    assert.ok(await bystander.honest())
    const gets = await (protocol === 'http1' ? askHttp1(proxy, upstream, attack) : askHttp2(proxy, hostile, attack))
    assert.ok(await bystander.honest(), 'another connection')
    for (let turn = 0; turn < 5000 && !upstream.isSettled; turn++) await new Promise(setImmediate)
    assert.deepEqual(
      {
        gets,
        upstreamSees: joinWords(upstream.seen()) || 'nothing',
        counts: counted(proxy),
        logs: logged(proxy),
        active: proxy.stats.value('http.test.downstream_rq_active'),
      },
      { counts, logs, gets: attack.gets, upstreamSees: attack.upstreamSees, ...overrides(attack), active: 0 },
    )
  } finally {
    bystander.close()
    await proxy.close()
    await upstream.close()
  }
}

function overrides({ counts, logs }: HostileCase): { counts?: string; logs?: string } {
  return { ...(counts !== undefined && { counts }), ...(logs !== undefined && { logs }) }
}

async function askHttp1(proxy: FakeProxy, upstream: RecordingUpstream, { send }: HostileCase): Promise<string> {
  const client = new Http1Attacker(proxy.port)
  const parts = typeof send === 'string' || Buffer.isBuffer(send) ? [send] : send
  for (const [i, part] of parts.entries()) {
    const before = upstream.receivedBytes
    client.send(part)
    if (i < parts.length - 1) await until(() => upstream.receivedBytes > before)
  }
  const outcome = await client.outcome()
  client.close()
  await until(() => proxy.stats.value('http.test.downstream_rq_active') === 0)
  return outcome
}

async function askHttp2(proxy: FakeProxy, { isDeaf }: HostileClass, { send }: HostileCase): Promise<string> {
  const client = new Http2Attacker(proxy.port)
  if (isDeaf) client.deafen()
  client.send(send as Buffer)
  if (isDeaf) {
    await until(() => counted(proxy) !== 'none')
    client.hearAgain()
  }
  const outcome = await client.outcome(() => proxy.stats.value('http.test.downstream_rq_active') === 0)
  client.close()
  return outcome
}

/** Traffic as such, honest or not. */
const VOLUME =
  /^http\.test\.(downstream_)?(cx_(total|active|destroy|destroy_active_rq|http2_total|.x_bytes_total)|rq_(total|http._total|active|completed|.xx|rx_reset|response_before_rq_complete|time\.count))$/

/** The counters that tell of the attack; where none does, that of its answer. */
function counted({ stats }: FakeProxy): string {
  const names: string[] = []
  for (const [name, { value }] of stats.values) {
    if (value > 0 && !VOLUME.test(name)) names.push(name.replace('http.test.', ''))
  }
  if (names.length > 0) return names.sort().join(', ')
  return stats.value('http.test.downstream_rq_4xx') > 0 ? 'downstream_rq_4xx' : 'none'
}

function logged({ logs }: FakeProxy): string {
  const lines = logs
    .filter(({ path }) => path !== '/honest')
    .map(({ responseFlags, responseCodeDetails }) => `${formatResponseFlags(responseFlags)} ${responseCodeDetails}`)
  return joinWords(lines) || 'no line'
}
