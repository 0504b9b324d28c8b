// HAProxy with a request id and its HTTP log, a line a request, written to its standard output.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPeer, peerNamed } from '../../scripts/peers.ts'
import { CORE, startChild } from '../child.ts'
import type { Contestant } from './contestant.ts'

export const haproxy: Contestant = {
  name: 'haproxy',
  missing: () => (findPeer(peerNamed('haproxy'), false) === undefined ? 'haproxy is not installed' : undefined),
  start(directory, port, upstreamPort) {
    const file = join(directory, 'haproxy.cfg')
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 8000
  log stdout format raw local0 info
defaults
  mode http
  log global
  option httplog
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend inbound
  bind 127.0.0.1:${port}
  unique-id-format %[uuid()]
  unique-id-header x-request-id
  option forwardfor
  default_backend service
backend service
  server upstream 127.0.0.1:${upstreamPort}
`,
    )
    return startChild(CORE.contestant, findPeer(peerNamed('haproxy'), false)!, ['-f', file, '-db', '-q'], directory)
  },
}
