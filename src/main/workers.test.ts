// Several event loops behind one set of listeners and one admin port.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
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
    request({ host: '127.0.0.1', port, agent: false }, async response => {
      let body = ''
      for await (const chunk of response) body += chunk
      resolve(`${response.statusCode} ${body}`)
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
