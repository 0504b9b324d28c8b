// socket_options of a listener: those by which the system probes silent clients, as EnvoyFilters at gateways set them.
import { type Keepalive, SYSTEM_KEEPALIVE } from '../../transport/net/keepalive-network.ts'
import { type SocketOption, SocketOptionSchema } from '../../xds/generated/envoy/config/core/v3/socket_option_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

// In whatever state of the listening socket they are set, its connections have them (socket(7), tcp(7)).
const FIELDS = new Set(['description', 'level', 'name', 'int_value', 'state'])

/** Linux's numbers, which is what a config has. */
const SO_KEEPALIVE = '1/9'
const TCP_KEEPIDLE = '6/4'
const TCP_KEEPINTVL = '6/5'
const TCP_KEEPCNT = '6/6'
/** And its bounds. */
const MOST: ReadonlyMap<string, number> = new Map([
  [SO_KEEPALIVE, 2 ** 31 - 1],
  [TCP_KEEPIDLE, 32_767],
  [TCP_KEEPINTVL, 32_767],
  [TCP_KEEPCNT, 127],
])

/** Null: connections are not probed. */
export function readSocketOptions(options: readonly SocketOption[], check: ResourceCheck): Keepalive | null {
  const found = new Map<string, number>()
  for (const [index, option] of options.entries()) {
    const path = `socket_options[${index}]`
    check.honour(SocketOptionSchema, option, path, FIELDS)
    const { level, name, value } = option
    const key = `${level}/${name}`
    const most = MOST.get(key)
    const least = key === SO_KEEPALIVE ? 0 : 1
    if (most === undefined)
      check.unsupported(path, `of socket options those that keep alive are supported, not level ${level}, name ${name}`)
    else if (value.case === undefined) check.error(`${path}.int_value`, 'is required')
    else if (value.case === 'intValue') {
      if (value.value < least || value.value > most)
        check.error(`${path}.int_value`, `must be from ${least} to ${most}`)
      found.set(key, Number(value.value))
    }
  }
  // Without it the others do nothing.
  if ((found.get(SO_KEEPALIVE) ?? 0) === 0) return null
  return {
    timeSeconds: found.get(TCP_KEEPIDLE) ?? SYSTEM_KEEPALIVE.timeSeconds,
    intervalSeconds: found.get(TCP_KEEPINTVL) ?? SYSTEM_KEEPALIVE.intervalSeconds,
    probes: found.get(TCP_KEEPCNT) ?? SYSTEM_KEEPALIVE.probes,
  }
}
