// CPU of the request path alone: connection manager, router and pool in this process, with the simplest of clusters,
// routes and logs, between wrk and nginx.
//
//   node bench/http1-path.ts [SECONDS]      needs wrk, nginx and taskset; --cpu-prof works
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { systemRandom } from '../src/base/random.ts'
import { createClusterStats } from '../src/data-plane/cluster/cluster-stats.ts'
import { ResourceManager } from '../src/data-plane/cluster/resource-manager.ts'
import { HTTP_CONNECTION_MANAGER } from '../src/data-plane/filters/network/http-connection-manager/factory.ts'
import { FakeCluster, startFakeProxy } from '../src/data-plane/http/testing/fake-proxy.ts'
import { LOOP_LIMITS } from '../src/data-plane/process-limits/loop-limits.ts'
import { createStats } from '../src/data-plane/stats/stats-store.ts'
import type { StreamInfo } from '../src/data-plane/stream-info.ts'

const seconds = Number(process.argv[2] ?? 5)
const upstreamPort = 18_080
const directory = mkdtempSync(join(tmpdir(), 'weft-bench-'))
const run = promisify(execFile)

writeFileSync(join(directory, 'index.html'), 'x'.repeat(1024))
writeFileSync(
  join(directory, 'nginx.conf'),
  `daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log /dev/null;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${directory}; proxy_temp_path ${directory};
 fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory}; open_file_cache max=10;
 server { listen 127.0.0.1:${upstreamPort}; root ${directory}; } }`,
)
await run('taskset', ['-p', '-c', '0', String(process.pid)])
const nginx = spawn('taskset', ['-c', '1', 'nginx', '-c', join(directory, 'nginx.conf')], { stdio: 'ignore' })
await sleep(500)

const cluster = new FakeCluster('outbound|80||bench', upstreamPort)
// The fake's counters are behind a Proxy object, which no real cluster has.
const stats = createClusterStats(createStats().root.scope('cluster', { envoy_cluster_name: cluster.name }))
const { default: resources } = new ResourceManager(LOOP_LIMITS, cluster.name, stats)
Object.defineProperties(cluster, { stats: { value: stats }, resources: { value: resources } })

let bytes = 0
const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
  clusters: [cluster],
  random: systemRandom,
  config: { streamIdleTimeout: {}, normalizePath: true },
  onLog: (info: StreamInfo) => {
    bytes += info.method.length + info.path.length + info.duration
  },
})
const url = `http://127.0.0.1:${proxy.port}/index.html`
const load = (duration: number) => run('taskset', ['-c', '1', 'wrk', '-t1', '-c64', `-d${duration}s`, url])
await load(2)
const requests = proxy.stats.values.get('http.test.downstream_rq_total')!
for (let round = 0; round < 3; round++) {
  const before = requests.value
  const cpu = process.cpuUsage()
  const { stdout } = await load(seconds)
  const used = process.cpuUsage(cpu)
  const count = requests.value - before
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]
  const failed = /Non-2xx.*/.exec(stdout)?.[0] ?? ''
  const each = (micros: number): string => (micros / count).toFixed(1)
  console.log(
    `${each(used.user + used.system)} us/request (user ${each(used.user)}, system ${each(used.system)}), ${rate} requests/s, ` +
      `${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB ${failed}`,
  )
}
await proxy.close()
nginx.kill()
rmSync(directory, { recursive: true })
process.exit(bytes > 0 ? 0 : 1)
