// Several event loops behind one set of listeners and one admin port.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { formatProblem } from '../base/problem.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import type { RunningProxy } from './proxy-process.ts'
import { startStaticProxy } from './static-proxy.ts'
import type { WorkerStart } from './worker-message.ts'
import { Workers } from './workers.ts'

const REQUESTS = 64
const TYPE = 'type.googleapis.com/envoy.extensions'
const folder = mkdtempSync(join(tmpdir(), 'weft-workers-'))
after(() => rmSync(folder, { recursive: true }))
const alive = setInterval(() => {}, 1000)
after(() => clearInterval(alive))

const upstream = createServer((_, response) => response.end('hello'))
upstream.listen(0, '127.0.0.1')
after(() => upstream.close())
await new Promise(resolve => upstream.once('listening', resolve))

const address = (port: number): string => `{ socket_address: { address: 127.0.0.1, port_value: ${port} } }`

function bootstrap(port: number, log: string): string {
  return `
admin: { address: ${address(0)} }
static_resources:
  clusters:
    - name: up
      load_assignment:
        cluster_name: up
        endpoints: [{ lb_endpoints: [{ endpoint: { address: ${address((upstream.address() as AddressInfo).port)} } }] }]
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
                      log_format: { text_format_source: { inline_string: "%RESPONSE_CODE%\\n" } }
                route_config:
                  name: local
                  virtual_hosts: [{ name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: up } }] }]
                http_filters:
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

async function freePort(): Promise<number> {
  const probe = await systemNetwork.listen('127.0.0.1', 0, () => {})
  await probe.close()
  return probe.port
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
  assert.match(await admin('/logging?level=info', 'POST'), /weft: info/)
  await running.stop()
  await assert.rejects(ask(port), /ECONNREFUSED/)
  assert.equal(readFileSync(log, 'utf8'), '200\n'.repeat(REQUESTS))
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
  const workers = new Workers([null as unknown as WorkerStart], heard.resolve)
  await assert.rejects(workers.reports(), /worker 1 ended with code 1/)
  assert.match(await heard.promise, /worker 1: TypeError/)
  await assert.rejects(workers.areReady(), /worker 1 ended/)
  await workers.drain(1000)
  await workers.close()
})

test('the drain of the others is waited for all the same', async () => {
  const start: WorkerStart = { logLevel: 'error', reasonHeader: true, serviceCluster: '', inherited: null }
  const heard = Promise.withResolvers<string>()
  const workers = new Workers([null as unknown as WorkerStart, start], heard.resolve)
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
  const answers = Array.from({ length: REQUESTS }, () =>
    ask(port).catch((error: NodeJS.ErrnoException) => error.code ?? ''),
  )
  while (slow.length < REQUESTS)
    await new Promise(resolve => setImmediate(resolve))
    // It dies of a question that makes no sense.
  ;[...threads][0]?.postMessage({ id: 0, name: 'loads', argument: null })
  await finished
  for (const response of slow) response.end('hello')
  const counts = new Map<string, number>()
  for (const answer of await Promise.all(answers)) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  const [whole = 0, cut = 0] = [counts.get('200 begun hello'), counts.get('ECONNRESET')]
  assert.equal(whole + cut, REQUESTS, JSON.stringify([...counts]))
  assert.ok(whole > cut && cut > 0, `${whole} answers whole, ${cut} cut`)
  await running.stop()
  await assert.rejects(ask(port), /ECONNREFUSED/)
})
