// The proxy of a static bootstrap, run inside the test.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { formatProblem } from '../base/problem.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import type { RunningProxy } from './proxy-process.ts'
import { checkBootstrap, startStaticProxy } from './static-proxy.ts'

const folder = mkdtempSync(join(tmpdir(), 'weft-static-'))
after(() => rmSync(folder, { recursive: true }))

const TYPE = 'type.googleapis.com/envoy.extensions'
const LOOPBACK = (port: number): string => `{ socket_address: { address: 127.0.0.1, port_value: ${port} } }`

interface Parts {
  readonly admin?: string
  readonly listenerPort?: number
  readonly transportSocket?: string
  readonly more?: string
}

function bootstrap({ admin, listenerPort = 0, transportSocket, more = '' }: Parts = {}): string {
  return `
${admin === undefined ? `admin: { address: ${LOOPBACK(0)} }` : admin}
node: { id: one, cluster: front }
static_resources:
  listeners:
    - address: ${LOOPBACK(listenerPort)}
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
                      path: ${join(folder, 'access.log')}
                      log_format: { text_format_source: { inline_string: "%REQ(:PATH)% %RESPONSE_CODE%\\n" } }
                route_config:
                  name: local
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{ match: { prefix: / }, direct_response: { status: 200, body: { inline_string: hello } } }]
                http_filters:
                  - name: router
                    typed_config: { "@type": ${TYPE}.filters.http.router.v3.Router }
          ${transportSocket ?? ''}
${more}`
}

let files = 0
function write(text: string): string {
  const file = join(folder, `bootstrap-${files++}.yaml`)
  writeFileSync(file, text)
  return file
}

async function start(text: string): Promise<RunningProxy> {
  const started = await startStaticProxy({ file: write(text), standalone: false, logLevel: 'error' })
  assert.ok(started.ok, started.ok ? '' : started.problems.map(formatProblem).join('\n'))
  return started.value
}

const portOf = (running: RunningProxy): number => running.proxy.listeners.status()[0]?.port ?? 0

test('it serves, logs, answers on its admin port as Envoy does for static config, and ends when told', async () => {
  const running = await start(bootstrap())
  const admin = `http://127.0.0.1:${running.adminPort}`
  const response = await fetch(`http://127.0.0.1:${portOf(running)}/path`)
  assert.deepEqual([response.status, await response.text()], [200, 'hello'])
  assert.equal(response.headers.get('x-weft-reason'), null)
  assert.equal(await (await fetch(`${admin}/ready`)).text(), 'LIVE\n')
  const dump = (await (await fetch(`${admin}/config_dump`)).json()) as { configs: Record<string, unknown>[] }
  const node = (dump.configs[0]?.['bootstrap'] as { node: unknown } | undefined)?.node
  assert.deepEqual(node, { id: 'one', cluster: 'front' })
  const listeners = dump.configs.find(part => String(part['@type']).endsWith('ListenersConfigDump'))
  assert.equal((listeners?.['static_listeners'] as unknown[] | undefined)?.length, 1)
  assert.equal(listeners?.['dynamic_listeners'], undefined)
  await fetch(`${admin}/quitquitquit`, { method: 'POST' })
  await running.finished
  const log = join(folder, 'access.log')
  while (readFileSync(log, 'utf8') === '') await new Promise(resolve => setImmediate(resolve))
  assert.match(readFileSync(log, 'utf8'), /^\/path 200$/m)
  await assert.rejects(fetch(`${admin}/ready`))
})

test('without an admin address there is no admin port', async () => {
  const running = await start(bootstrap({ admin: '' }))
  assert.equal(running.adminPort, 0)
  await running.stop()
})

test('certificates come from files, secrets by their names from the file itself', async () => {
  const authority = await TestAuthority.create()
  const { certificateChain, privateKey } = await authority.issueSpiffe('spiffe://cluster.local/ns/default/sa/a')
  writeFileSync(join(folder, 'cert.pem'), certificateChain)
  writeFileSync(join(folder, 'key.pem'), privateKey)
  const pair = `{ certificate_chain: { filename: ${folder}/cert.pem }, private_key: { filename: ${folder}/key.pem } }`
  const tls = (common: string): string =>
    `transport_socket: { name: tls, typed_config: { "@type": ${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext, common_tls_context: ${common} } }`
  for (const [transportSocket, more] of [
    [tls(`{ tls_certificates: [${pair}] }`), ''],
    [
      tls('{ tls_certificate_sds_secret_configs: [{ name: default }] }'),
      `  secrets: [{ name: default, tls_certificate: ${pair} }]`,
    ],
  ] as const) {
    const running = await start(bootstrap({ transportSocket, more }))
    const status = await new Promise((resolve, reject) => {
      const options = {
        port: portOf(running),
        agent: new Agent({ ca: authority.bundle, checkServerIdentity: () => undefined }),
      }
      request({ ...options, host: '127.0.0.1' }, response => {
        response.resume()
        response.on('end', () => {
          options.agent.destroy()
          resolve(response.statusCode)
        })
      })
        .on('error', reject)
        .end()
    })
    assert.equal(status, 200)
    await running.stop()
  }
})

test('downstream connections beyond the limit of the overload manager are closed', async () => {
  const limit = `overload_manager: { resource_monitors: [{ name: connections, typed_config: { "@type": ${TYPE}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig, max_active_downstream_connections: 1 } }] }`
  const running = await start(bootstrap({ more: limit }))
  const first = connect(portOf(running), '127.0.0.1')
  await new Promise(resolve => first.once('connect', resolve))
  first.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await new Promise(resolve => first.once('data', resolve))
  const second = connect(portOf(running), '127.0.0.1')
  await new Promise(resolve => second.once('close', resolve))
  first.destroy()
  await running.stop()
})

test('everything that is not honoured is refused with its place, before anything is bound', async () => {
  const text = bootstrap({
    more: '  clusters:\n    - name: a\n      lb_policy: LOAD_BALANCING_POLICY_CONFIG\n    - name: a\nlayered_runtime: {}\n',
  })
  const lines = text.split('\n')
  const checked = await checkBootstrap(write(text))
  assert.ok(!checked.ok)
  assert.deepEqual(
    checked.problems.map(({ path, position }) => [path, lines[(position?.line ?? 0) - 1]?.trim()]),
    [
      ['layered_runtime', 'layered_runtime: {}'],
      ['static_resources.clusters[0].lb_policy', 'lb_policy: LOAD_BALANCING_POLICY_CONFIG'],
      ['static_resources.clusters[1].name', '- name: a'],
    ],
  )
  const started = await startStaticProxy({ file: write(text), standalone: false, logLevel: 'error' })
  assert.ok(!started.ok)
})

test('a port in use and a file that is not there are one clear line each', async () => {
  const taken = await systemNetwork.listen('127.0.0.1', 0, () => {})
  const failsWith =
    (pattern: RegExp) =>
    (error: unknown): boolean =>
      error instanceof CommandFailure && pattern.test(error.message)
  const options = { standalone: false, logLevel: 'error' } as const
  const busy = write(bootstrap({ listenerPort: taken.port }))
  await assert.rejects(
    startStaticProxy({ ...options, file: busy }).then(() => {}),
    failsWith(/cannot bind '127.0.0.1:/),
  )
  await taken.close()
  await assert.rejects(checkBootstrap(join(folder, 'none.yaml')), failsWith(/cannot read/))
})
