// upstream_connection_options of a cluster.
import { type Keepalive, SYSTEM_KEEPALIVE } from '../../transport/net/keepalive-network.ts'
import {
  type UpstreamConnectionOptions,
  UpstreamConnectionOptionsSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { TcpKeepaliveSchema } from '../../xds/generated/envoy/config/core/v3/address_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

const AT = 'upstream_connection_options'
const FIELDS = new Set(['tcp_keepalive'])
const KEEPALIVE_FIELDS = new Set(['keepalive_probes', 'keepalive_time', 'keepalive_interval'])
/** Linux's bounds: TCP_KEEPIDLE and TCP_KEEPINTVL in seconds, TCP_KEEPCNT. */
const MAX_SECONDS = 32_767
const MAX_PROBES = 127

/** Null: connections are not kept alive. */
export function readKeepalive(options: UpstreamConnectionOptions | undefined, check: ResourceCheck): Keepalive | null {
  if (!options) return null
  check.honour(UpstreamConnectionOptionsSchema, options, AT, FIELDS)
  const asked = options.tcpKeepalive
  if (!asked) return null
  check.honour(TcpKeepaliveSchema, asked, `${AT}.tcp_keepalive`, KEEPALIVE_FIELDS)
  const within = (field: string, value: number | undefined, otherwise: number, max: number): number => {
    if (value !== undefined && (value < 1 || value > max))
      check.error(`${AT}.tcp_keepalive.${field}`, `must be from 1 to ${max}`)
    return value ?? otherwise
  }
  return {
    timeSeconds: within('keepalive_time', asked.keepaliveTime, SYSTEM_KEEPALIVE.timeSeconds, MAX_SECONDS),
    intervalSeconds: within(
      'keepalive_interval',
      asked.keepaliveInterval,
      SYSTEM_KEEPALIVE.intervalSeconds,
      MAX_SECONDS,
    ),
    probes: within('keepalive_probes', asked.keepaliveProbes, SYSTEM_KEEPALIVE.probes, MAX_PROBES),
  }
}
