// nginx: as the upstream of every run, and as a contestant with a request id and a log line as long as Istio's.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPeer, peerNamed } from '../../scripts/peers.ts'
import { type Child, CORE, startChild } from '../child.ts'
import type { Contestant } from './contestant.ts'

function run(core: string, directory: string, name: string, http: string): Child {
  const prefix = join(directory, name)
  mkdirSync(prefix, { recursive: true })
  const configuration = `daemon off; master_process off; worker_processes 1; pid ${prefix}/pid; error_log ${prefix}/error.log;
events { worker_connections 4096; }
http {
  client_body_temp_path ${prefix}/body; proxy_temp_path ${prefix}/proxy; fastcgi_temp_path ${prefix}/f;
  uwsgi_temp_path ${prefix}/u; scgi_temp_path ${prefix}/s; keepalive_requests 1000000000;
  ${http}
}`
  writeFileSync(join(prefix, 'nginx.conf'), configuration)
  const binary = findPeer(peerNamed('nginx'), false)!
  return startChild(
    core,
    binary,
    ['-e', join(prefix, 'error.log'), '-p', prefix, '-c', join(prefix, 'nginx.conf')],
    directory,
  )
}

/** Answers every request with one kilobyte. */
export function startUpstream(directory: string, port: number): Child {
  const body = 'x'.repeat(1024)
  return run(
    CORE.load,
    directory,
    'upstream',
    `access_log off; server { listen 127.0.0.1:${port} backlog=4096; location / { return 200 "${body}"; } }`,
  )
}

export const nginx: Contestant = {
  name: 'nginx',
  missing: () => (findPeer(peerNamed('nginx'), false) === undefined ? 'nginx is not installed' : undefined),
  start(directory, port, upstreamPort) {
    const log =
      '[$time_iso8601] "$request_method $request_uri $server_protocol" $status - via_upstream - "-" $request_length $bytes_sent $request_time $upstream_response_time "$http_x_forwarded_for" "$http_user_agent" "$request_id" "$host" "$upstream_addr" outbound|9080||upstream.default.svc.cluster.local 127.0.0.1:0 $server_addr:$server_port $remote_addr:$remote_port - default'
    return run(
      CORE.contestant,
      directory,
      'nginx',
      `log_format istio '${log}'; access_log ${directory}/nginx-access.log istio buffer=64k flush=1s;
  upstream service { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Request-Id $request_id;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_pass http://service;
    }
  }`,
    )
  },
}
