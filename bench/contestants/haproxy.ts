// HAProxy with a request id and its HTTP log, a line a request, written to a file by way of its standard output,
// and its routes in a map, as its manual has it for many.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../harness/child.ts'
import { contestantCores } from '../harness/cores.ts'
import { missingPeer, peer } from '../harness/peer.ts'
import type { Contestant, ContestantRun } from './contestant.ts'
import { routePrefix } from './scenario.ts'
import { SERVER_NAME } from './tls-files.ts'

function configuration({ scenario, directory, port, upstreamPort, tls, workers }: ContestantRun): string {
  const { downstream, upstream } = scenario
  const bind = [
    `bind 127.0.0.1:${port} backlog 4096`,
    ...(downstream.tls === 'none' ? [] : [`ssl crt ${tls.server.both} ssl-min-ver TLSv1.3`]),
    ...(downstream.tls === 'mutual' ? [`ca-file ${tls.roots} verify required`] : []),
    ...(downstream.protocol === 'http2' ? [downstream.tls === 'none' ? 'proto h2' : 'alpn h2'] : []),
  ]
  const server = [
    `server upstream 127.0.0.1:${upstreamPort}`,
    ...(upstream.tls === 'none'
      ? []
      : [`ssl ca-file ${tls.roots} verify required sni str(${SERVER_NAME}) ssl-min-ver TLSv1.3`]),
    ...(upstream.tls === 'mutual' ? [`crt ${tls.client.both}`] : []),
    ...(upstream.protocol === 'http2' ? [upstream.tls === 'none' ? 'proto h2' : 'alpn h2'] : []),
  ]
  const map = join(directory, 'routes.map')
  const routes = Array.from({ length: scenario.routes }, (_, index) => `${routePrefix(index)} service\n`)
  writeFileSync(map, routes.join(''))
  return `global
  nbthread ${workers}
  maxconn 24000
  no strict-limits
  log stdout format raw local0 info
defaults
  mode http
  log global
  option httplog
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  http-reuse always
frontend inbound
  ${bind.join(' ')}
  unique-id-format %[uuid()]
  unique-id-header x-request-id
  option forwardfor
  use_backend %[path,map_beg(${map})]
backend service
  ${server.join(' ')}
`
}

export const haproxy: Contestant = {
  name: 'haproxy',
  missing: () => missingPeer('haproxy'),
  start(run) {
    const { directory, workers } = run
    const file = join(directory, 'haproxy.cfg')
    writeFileSync(file, configuration(run))
    const cores = contestantCores(workers)
    return startChild({ cores, command: peer('haproxy'), args: ['-f', file, '-db', '-q'], directory })
  },
}
