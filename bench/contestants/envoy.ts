// Envoy with the filters that Istio gives a sidecar, Istio's text access log to a file, one worker.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPeer, peerNamed } from '../../scripts/peers.ts'
import { CORE, startChild } from '../child.ts'
import type { Contestant } from './contestant.ts'
import { ISTIO_TEXT_LOG } from './istio-text-log.ts'

const typed = (type: string, fields: object = {}): object => ({ '@type': `type.googleapis.com/${type}`, ...fields })
const filter = (name: string, type: string, fields?: object): object => ({
  name: `envoy.filters.http.${name}`,
  typed_config: typed(`envoy.extensions.filters.http.${type}`, fields),
})

function bootstrap(directory: string, port: number, upstreamPort: number): object {
  const address = (port_value: number): object => ({ socket_address: { address: '127.0.0.1', port_value } })
  const manager = typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'outbound',
    generate_request_id: true,
    normalize_path: true,
    access_log: [
      {
        name: 'envoy.access_loggers.file',
        typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
          path: join(directory, 'envoy-access.log'),
          log_format: { text_format_source: { inline_string: ISTIO_TEXT_LOG } },
        }),
      },
    ],
    route_config: {
      name: '9080',
      virtual_hosts: [
        {
          name: 'upstream',
          domains: ['*'],
          include_request_attempt_count: true,
          routes: [
            {
              name: 'default',
              match: { prefix: '/' },
              route: {
                cluster: 'upstream',
                timeout: '0s',
                retry_policy: { retry_on: 'connect-failure,refused-stream,unavailable,cancelled', num_retries: 2 },
              },
            },
          ],
        },
      ],
    },
    http_filters: [
      filter('rbac', 'rbac.v3.RBAC', {
        rules: { policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } } },
      }),
      filter('grpc_stats', 'grpc_stats.v3.FilterConfig', { emit_filter_state: true, stats_for_all_methods: false }),
      filter('fault', 'fault.v3.HTTPFault'),
      filter('cors', 'cors.v3.Cors'),
      filter('router', 'router.v3.Router'),
    ],
  })
  return {
    static_resources: {
      listeners: [
        {
          name: 'outbound',
          address: address(port),
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [
        {
          name: 'upstream',
          type: 'STATIC',
          connect_timeout: '10s',
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstreamPort) } }] }],
          },
        },
      ],
    },
  }
}

export const envoy: Contestant = {
  name: 'envoy',
  missing: () =>
    findPeer(peerNamed('envoy'), false) === undefined ? 'no envoy on the path, in build/peers or in ENVOY' : undefined,
  start(directory, port, upstreamPort) {
    const file = join(directory, 'envoy.json')
    writeFileSync(file, JSON.stringify(bootstrap(directory, port, upstreamPort)))
    const args = ['-c', file, '--concurrency', '1', '--use-dynamic-base-id', '-l', 'error']
    return startChild(CORE.contestant, findPeer(peerNamed('envoy'), false)!, args, directory)
  },
}
