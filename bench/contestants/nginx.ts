// nginx with a request id and a log line as long as Istio's.
import { contestantCores } from '../harness/cores.ts'
import { missingPeer } from '../harness/peer.ts'
import type { Contestant, ContestantRun } from './contestant.ts'
import { clientTls, serverTls, startNginx } from './nginx-process.ts'
import { routePrefix } from './scenario.ts'

const LOG_FORMAT = [
  '[$time_iso8601] "$request_method $request_uri $server_protocol" $status - via_upstream - "-"',
  '$request_length $bytes_sent $request_time $upstream_response_time "$http_x_forwarded_for" "$http_user_agent"',
  '"$request_id" "$host" "$upstream_addr" outbound|9080||upstream.default.svc.cluster.local 127.0.0.1:0',
  '$server_addr:$server_port $remote_addr:$remote_port - default',
].join(' ')

function configuration(run: ContestantRun): string {
  const { scenario, directory, port, upstreamPort, tls } = run
  const { downstream, upstream } = scenario
  const listen = [
    `listen 127.0.0.1:${port} backlog=4096`,
    ...(downstream.tls === 'none' ? [] : ['ssl']),
    ...(downstream.protocol === 'http2' ? ['http2'] : []),
  ]
  const secured = downstream.tls === 'none' ? '' : serverTls(tls.server, downstream.tls === 'mutual' ? tls.roots : null)
  const pass = `${upstream.protocol === 'http2' ? 'grpc_pass grpc' : 'proxy_pass http'}${upstream.tls === 'none' ? '' : 's'}://service;`
  const locations = Array.from(
    { length: scenario.routes },
    (_, index) => `    location ${routePrefix(index)} { ${pass} }`,
  )
  return `log_format istio '${LOG_FORMAT}'; access_log ${directory}/access.log istio buffer=64k flush=1s;
  upstream service { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    ${listen.join(' ')}; ${secured}
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Request-Id $request_id;
    proxy_set_header X-Forwarded-For $remote_addr; proxy_max_temp_file_size 0;
    ${upstream.tls === 'none' ? '' : clientTls(tls, upstream.tls === 'mutual', upstream.protocol === 'http2' ? 'grpc' : 'proxy')}
${locations.join('\n')}
  }`
}

/** It speaks HTTP/2 to clients, and to gRPC servers by another module, which passes any request on. */
export const nginx: Contestant = {
  name: 'nginx',
  missing: () => missingPeer('nginx'),
  start(run) {
    const { directory, workers } = run
    return startNginx({ directory, cores: contestantCores(workers), workers, http: configuration(run) })
  },
}
