// Several event loops behind one set of listeners and one admin port.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { clockOrigin } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { formatProblem } from '../base/problem.ts'
import { SharedSlots } from '../base/shared-slots.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import { sharedLimits } from '../data-plane/process-limits/shared-limits.ts'
import { readBootstrap } from '../translate/bootstrap/read-bootstrap.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import { freePort } from '../transport/net/testing/free-port.ts'
import type { RunningProxy } from './proxy-process.ts'
import { startStaticProxy } from './static-proxy.ts'
import type { WorkerStart } from './worker-message.ts'
import { Workers } from './workers.ts'

const REQUESTS = 64
const LOG_LINE = '%RESPONSE_CODE% %RESPONSE_FLAGS%'
const TYPE = 'type.googleapis.com/envoy.extensions'
const folder = mkdtempSync(join(tmpdir(), 'weft-workers-'))
after(() => rmSync(folder, { recursive: true }))
const alive = setInterval(() => {}, 1000)
after(() => clearInterval(alive))

const upstream = createServer((_, response) => response.end('hello'))
upstream.listen(0, '127.0.0.1')
after(() => upstream.close())
await new Promise(resolve => upstream.once('listening', resolve))

const portOf = (server: Server): number => (server.address() as AddressInfo).port
const address = (port: number): string => `{ socket_address: { address: 127.0.0.1, port_value: ${port} } }`

interface BootstrapFields {
  readonly upstreamPort?: number
  readonly breakers?: string
  readonly filter?: string
  readonly route?: string
}

function bootstrap(port: number, log: string, fields: BootstrapFields = {}): string {
  const {
    upstreamPort = portOf(upstream),
    breakers = '{}',
    filter = '',
    route = 'route: { cluster: up, timeout: 0s }',
  } = fields
  return `
admin: { address: ${address(0)} }
static_resources:
  clusters:
    - name: up
      circuit_breakers: ${breakers}
      load_assignment:
        cluster_name: up
        endpoints: [{ lb_endpoints: [{ endpoint: { address: ${address(upstreamPort)} } }] }]
  listeners:
    - address: ${address(port)}
      filter_chains:
        - filters:
            - name: http
              typed_config:
                "@type": ${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: front
                access_log:
                  - name: file
                    typed_config:
                      "@type": ${TYPE}.access_loggers.file.v3.FileAccessLog
                      path: ${log}
                      log_format: { text_format_source: { inline_string: "${LOG_LINE}\\n" } }
                route_config:
                  name: local
                  virtual_hosts: [{ name: all, domains: ["*"], routes: [{ match: { prefix: / }, ${route} }] }]
                http_filters:
                  ${filter}
                  - name: router
                    typed_config: { "@type": ${TYPE}.filters.http.router.v3.Router }
`
}

async function start(text: string, concurrency: number): Promise<RunningProxy> {
  const file = join(folder, 'bootstrap.yaml')
  writeFileSync(file, text)
  const started = await startStaticProxy({ file, concurrency, standalone: false, logLevel: 'error' })
  assert.ok(started.ok, started.ok ? '' : started.problems.map(formatProblem).join('\n'))
  return started.value
}

/** Over a connection of its own. */
function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, agent: false }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', chunk => (body += chunk))
      response.on('error', reject).on('end', () => resolve(`${response.statusCode} ${body}`))
    })
      .on('error', reject)
      .end()
  })
}

test('every loop serves, and the admin port adds up what they have counted', async () => {
  const port = await freePort()
  const log = join(folder, 'access.log')
  const running = await start(bootstrap(port, log), 3)
  const admin = async (path: string, method = 'GET'): Promise<string> =>
    (await fetch(`http://127.0.0.1:${running.adminPort}${path}`, { method })).text()
  const answers = await Promise.all(Array.from({ length: REQUESTS }, () => ask(port)))
  assert.deepEqual(new Set(answers), new Set(['200 hello']))
  const own = running.proxy.stats.value('http.front.downstream_rq_total') ?? 0
  assert.ok(own > 0 && own < REQUESTS, `the main loop has served ${own}`)
  const stats = await admin('/stats')
  assert.match(stats, new RegExp(`^http\\.front\\.downstream_rq_total: ${REQUESTS}$`, 'm'))
  assert.match(stats, new RegExp(`^cluster\\.up\\.upstream_rq_2xx: ${REQUESTS}$`, 'm'))
  assert.match(stats, /^listener_manager\.listener_added: 1$/m)
  assert.match(
    await admin('/stats/prometheus'),
    new RegExp(`^envoy_http_downstream_rq_time_count\\{.*"front"\\} ${REQUESTS}$`, 'm'),
  )
  assert.match(await admin('/clusters'), new RegExp(`^up::.*::rq_total::${REQUESTS}$`, 'm'))
  assert.deepEqual(JSON.parse(await admin('/mirror_differences')), { differences: [] })
  assert.match(await admin('/logging?level=info', 'POST'), /weft: info/)
  await running.stop()
  await assert.rejects(ask(port), /ECONNREFUSED/)
  assert.equal(readFileSync(log, 'utf8'), '200 -\n'.repeat(REQUESTS))
})

test('one loop is no thread more; port 0 is refused where it could not be shared', async () => {
  const alone = await start(bootstrap(0, join(folder, 'one.log')), 1)
  assert.equal((alone as { workers?: unknown }).workers, null)
  await alone.stop()
  await assert.rejects(
    start(bootstrap(0, join(folder, 'two.log')), 2),
    error => error instanceof CommandFailure && /port 0 cannot be shared/.test(error.message),
  )
})

test('a loop that dies is heard of, and nobody waits for its answers', async () => {
  const heard = Promise.withResolvers<string>()
  // It is told nothing that it could start with.
  const workers = new Workers([null as unknown as WorkerStart], { onDeath: heard.resolve, onEnd: () => {} })
  await assert.rejects(workers.report('stats').next(), /worker 1 ended with code 1/)
  assert.match(await heard.promise, /worker 1: TypeError/)
  await assert.rejects(workers.areReady(), /worker 1 ended/)
  await workers.drain(1000)
  await workers.close()
})

test('the drain of the others is waited for all the same', async () => {
  const memory = SharedSlots.allocate(3, 64)
  const start: WorkerStart = {
    logLevel: 'error',
    reasonHeader: true,
    serviceCluster: '',
    inherited: null,
    limits: { memory, loop: 2 },
    clockOrigin: clockOrigin(),
  }
  const heard = Promise.withResolvers<string>()
  const workers = new Workers([null as unknown as WorkerStart, start], { onDeath: heard.resolve, onEnd: () => {} })
  await heard.promise
  await assert.rejects(workers.areReady(), /worker 1 ended/)
  let isDrained = false
  const drained = workers.drain(1000).then(() => {
    isDrained = true
  })
  // What is dead has answered by now; what lives needs a turn of its loop.
  for (let turn = 0; turn < 100; turn++) await null
  assert.equal(isDrained, false)
  await drained
  await workers.close()
})

test('failed health checks drain the connections of every loop, and refuse none', async () => {
  const port = await freePort()
  const running = await start(bootstrap(port, join(folder, 'failed.log')), 2)
  const admin = (path: string, method = 'GET'): Promise<Response> =>
    fetch(`http://127.0.0.1:${running.adminPort}${path}`, { method })
  const endings = async (): Promise<Set<string | undefined>> => {
    const agent = new Agent({ keepAlive: true })
    const ask = (): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port, agent }, response => {
          response.resume().on('end', () => resolve(response.headers.connection))
        })
          .on('error', reject)
          .end()
      })
    const found = await Promise.all(Array.from({ length: REQUESTS }, ask))
    agent.destroy()
    return new Set(found)
  }
  assert.deepEqual(await endings(), new Set([undefined]))
  assert.equal((await admin('/healthcheck/fail', 'POST')).status, 200)
  const ready = await admin('/ready')
  assert.deepEqual([ready.status, await ready.text()], [503, 'DRAINING\n'])
  assert.deepEqual(await endings(), new Set(['close']))
  assert.equal((await admin('/healthcheck/ok', 'POST')).status, 200)
  assert.equal((await admin('/ready')).status, 200)
  assert.deepEqual(await endings(), new Set([undefined]))
  await running.stop()
})

test('a loop that crashes takes its own connections along; the process ends when the others have finished', async () => {
  const port = await freePort()
  const threads = new Set<Worker>()
  const { postMessage } = Worker.prototype
  Worker.prototype.postMessage = function (this: Worker, ...message: Parameters<typeof postMessage>): void {
    threads.add(this)
    postMessage.apply(this, message)
  }
  const running = await start(bootstrap(port, join(folder, 'crash.log')), 3)
  Worker.prototype.postMessage = postMessage
  const finished = assert.rejects(running.finished, /worker 1: TypeError/)
  const slow: ServerResponse[] = []
  const onRequest = (_: unknown, response: ServerResponse): void => {
    slow.push(response)
    response.write('begun ')
  }
  upstream.removeAllListeners('request').on('request', onRequest)
  // A third of them are the victim's, give or take: that half are is beyond five standard deviations.
  const count = 4 * REQUESTS
  const answers = Array.from({ length: count }, () =>
    ask(port).catch((error: NodeJS.ErrnoException) => error.code ?? ''),
  )
  while (slow.length < count) await new Promise(resolve => setImmediate(resolve))
  // It dies of a question that makes no sense.
  const [victim] = threads
  victim?.postMessage({ id: 0, name: 'loads', argument: null })
  await finished
  for (const response of slow) response.end('hello')
  const counts = new Map<string, number>()
  for (const answer of await Promise.all(answers)) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  const [whole = 0, cut = 0] = [counts.get('200 begun hello'), counts.get('ECONNRESET')]
  assert.equal(whole + cut, count, JSON.stringify([...counts]))
  assert.ok(whole > cut && cut > 0, `${whole} answers whole, ${cut} cut`)
  await running.stop()
  await assert.rejects(ask(port), /ECONNREFUSED/)
})

/** Holds every request until it is told to answer. */
async function holdingUpstream() {
  const held: ServerResponse[] = []
  const server = createServer((_, response) => held.push(response))
  server.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  return { server, held, port: portOf(server) }
}

test('max_requests is the process’s: of requests that come to two loops exactly so many are let through', async () => {
  const { server, held, port: upstreamPort } = await holdingUpstream()
  const port = await freePort()
  const breakers = '{ thresholds: [{ max_requests: 10, track_remaining: true }] }'
  const running = await start(bootstrap(port, join(folder, 'limits.log'), { upstreamPort, breakers }), 2)
  let refused = 0
  const answers = Array.from({ length: REQUESTS }, async () => {
    const answer = await ask(port)
    if (answer.startsWith('503')) refused++
    return answer
  })
  while (held.length + refused < REQUESTS) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual([held.length, refused], [10, REQUESTS - 10])
  const own = running.proxy.stats.value('http.front.downstream_rq_total') ?? 0
  assert.ok(own > 0 && own < REQUESTS, `the main loop has served ${own}`)
  const stats = await (await fetch(`http://127.0.0.1:${running.adminPort}/stats`)).text()
  const lines = [
    'circuit_breakers.default.rq_open: 1',
    'circuit_breakers.default.remaining_rq: 0',
    'upstream_rq_active: 10',
    `upstream_rq_active_overflow: ${REQUESTS - 10}`,
  ]
  for (const line of lines) assert.ok(stats.includes(`\ncluster.up.${line}\n`), `${line} in ${stats}`)
  for (const response of held) response.end('at last')
  assert.equal((await Promise.all(answers)).filter(answer => answer === '200 at last').length, 10)
  await running.stop()
  server.close()
  assert.equal(readFileSync(join(folder, 'limits.log'), 'utf8').split('503 UO').length, REQUESTS - 10 + 1)
})

test('a token bucket is the process’s, too, and so is the limit of downstream connections', async () => {
  const port = await freePort()
  const percent = 'default_value: { numerator: 100 }'
  const filter = `- name: limit
                    typed_config:
                      "@type": ${TYPE}.filters.http.local_ratelimit.v3.LocalRateLimit
                      stat_prefix: limit
                      token_bucket: { max_tokens: 10, fill_interval: 3600s }
                      filter_enabled: { ${percent} }
                      filter_enforced: { ${percent} }`
  const text = `${bootstrap(port, join(folder, 'bucket.log'), { filter, route: 'direct_response: { status: 200 }' })}
overload_manager:
  resource_monitors:
    - name: envoy.resource_monitors.global_downstream_max_connections
      typed_config:
        "@type": ${TYPE}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig
        max_active_downstream_connections: 20
`
  const running = await start(text, 2)
  const clients = Array.from({ length: 30 }, () => systemNetwork.connect('127.0.0.1', port))
  let closed = 0
  for (const client of clients) client.on('error', () => {}).on('close', () => closed++)
  while (closed < 10) await new Promise(resolve => setImmediate(resolve))
  const answers = clients
    .filter(client => !client.destroyed)
    .map(async client => {
      client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      const [chunk] = await once(client, 'data')
      client.destroy()
      return String(chunk).slice(9, 12)
    })
  const statuses = await Promise.all(answers)
  assert.deepEqual(statuses.sort(), [...Array(10).fill('200'), ...Array(10).fill('429')])
  await running.stop()
})

test('what a loop had that has died is given back', async () => {
  const { server, held, port: upstreamPort } = await holdingUpstream()
  const port = await freePort()
  const memory = SharedSlots.allocate(2, 64)
  const slots = new SharedSlots(memory, 0)
  const died = Promise.withResolvers<string>()
  const start: WorkerStart = {
    logLevel: 'error',
    reasonHeader: true,
    serviceCluster: '',
    inherited: null,
    limits: { memory, loop: 1 },
    clockOrigin: clockOrigin(),
  }
  const workers = new Workers([start], { onDeath: died.resolve, onEnd: number => slots.forfeit(number) })
  const sources = { readFile: () => Buffer.of(), environmentVariable: () => undefined }
  const text = bootstrap(port, join(folder, 'dead.log'), { upstreamPort })
  const read = readBootstrap({ file: 'bootstrap.yaml', text }, sources)
  assert.ok('file' in read)
  assert.deepEqual(await workers.applyStatic(read.file.bootstrap.staticResources), [])
  await workers.acceptInherited()
  const lost = [ask(port), ask(port)].map(answer => assert.rejects(answer))
  while (held.length < 2) await new Promise(resolve => setImmediate(resolve))
  const requests = sharedLimits(slots, silentLog).resource('cluster up default requests', { value: 0 })
  assert.equal(requests.count, 2)
  // Nothing that it could be asked.
  await assert.rejects(workers.loads(null as unknown as readonly string[]), /ended with code 1/)
  await died.promise
  assert.equal(requests.count, 0)
  assert.equal(slots.size, 1)
  await Promise.all(lost)
  await workers.close()
  server.closeAllConnections()
  server.close()
})
