// proxy-config listeners: ADDRESSES | PORT | MATCH | DESTINATION, one row per filter chain.
import type { TableView } from '../output/print-data.ts'
import { type Json, list, object, string, strings } from './config-dump.ts'
import type { ConfigFilter } from './config-filter.ts'

const HTTP_CONNECTION_MANAGER = 'HttpConnectionManager'
const TCP_PROXY = 'TcpProxy'

export function selectListeners(listeners: readonly Json[], filter: ConfigFilter): Json[] {
  return listeners.filter(
    listener =>
      (filter.address === undefined || addressOf(listener).includes(filter.address)) &&
      (filter.port === undefined || portOf(listener) === String(filter.port)) &&
      (filter.type === undefined || listenerType(listener) === filter.type.toUpperCase()),
  )
}

export function listenerTable(listeners: readonly Json[]): TableView {
  const rows = listeners
    .toSorted((a, b) => Number(portOf(a)) - Number(portOf(b)))
    .flatMap(listener => {
      const chains = list(listener, 'filter_chains')
      const fallback = object(listener, 'default_filter_chain')
      const all = Object.keys(fallback).length > 0 ? [...chains, fallback] : chains
      return all.map(chain => [addressOf(listener), portOf(listener), formatMatch(chain), formatDestination(chain)])
    })
  return { header: ['ADDRESSES', 'PORT', 'MATCH', 'DESTINATION'], rows, none: 'no listeners match' }
}

function socketAddress(listener: Json): Json {
  return object(object(listener, 'address'), 'socket_address')
}

function addressOf(listener: Json): string {
  // Of an internal listener there is none (as istioctl shows it).
  return 'internal_listener' in listener ? 'internal' : string(socketAddress(listener), 'address')
}

function portOf(listener: Json): string {
  return string(socketAddress(listener), 'port_value')
}

function listenerType(listener: Json): string {
  const filters = list(listener, 'filter_chains').flatMap(chain => list(chain, 'filters'))
  const has = (type: string): boolean => filters.some(filter => typeOf(filter).endsWith(type))
  if (has(HTTP_CONNECTION_MANAGER)) return has(TCP_PROXY) ? 'HTTP+TCP' : 'HTTP'
  return has(TCP_PROXY) ? 'TCP' : 'UNKNOWN'
}

function typeOf(filter: Json): string {
  return string(object(filter, 'typed_config'), '@type')
}

function formatMatch(chain: Json): string {
  const match = object(chain, 'filter_chain_match')
  const parts: string[] = []
  const names = strings(match, 'server_names')
  const protocol = string(match, 'transport_protocol')
  const applications = strings(match, 'application_protocols')
  const ranges = list(match, 'prefix_ranges').map(range => {
    const length = string(range, 'prefix_len')
    return string(range, 'address_prefix') + (length === '' ? '' : `/${length}`)
  })
  const port = string(match, 'destination_port')
  if (names.length > 0) parts.push(`SNI: ${names.join(',')}`)
  if (protocol !== '') parts.push(`Trans: ${protocol}`)
  if (applications.length > 0) parts.push(`App: ${applications.join(',')}`)
  if (ranges.length > 0 || port !== '') parts.push(`Addr: ${ranges.join(',') || '*'}${port === '' ? '' : `:${port}`}`)
  return parts.length === 0 ? 'ALL' : parts.join('; ')
}

function formatDestination(chain: Json): string {
  for (const filter of list(chain, 'filters')) {
    const config = object(filter, 'typed_config')
    if (typeOf(filter).endsWith(HTTP_CONNECTION_MANAGER)) return httpDestination(config)
    if (typeOf(filter).endsWith(TCP_PROXY)) return tcpDestination(config)
  }
  return 'Non-HTTP/Non-TCP'
}

function httpDestination(manager: Json): string {
  const name = string(object(manager, 'rds'), 'route_config_name')
  if (name !== '') return `Route: ${name}`
  const hosts = list(object(manager, 'route_config'), 'virtual_hosts')
  const matches = hosts.flatMap(host => list(host, 'routes')).map(route => formatRouteMatch(object(route, 'match')))
  return matches.length === 0 ? 'HTTP' : `Inline Route: ${matches.join(', ')}`
}

function tcpDestination(proxy: Json): string {
  const cluster = string(proxy, 'cluster')
  if (cluster === '') return 'Cluster: (weighted)'
  return cluster.includes('|') ? `Cluster: ${cluster}` : cluster
}

/** `/get*`, `PathPrefix:/get`, `/exact`, `regex ~^/a.*$`, as istioctl writes a route's match. */
export function formatRouteMatch(match: Json): string {
  const prefix = string(match, 'prefix')
  const separated = string(match, 'path_separated_prefix')
  const regex = string(object(match, 'safe_regex'), 'regex')
  const conditions = list(match, 'headers').length + list(match, 'query_parameters').length
  const path =
    prefix !== ''
      ? `${prefix}*`
      : separated !== ''
        ? `PathPrefix:${separated}`
        : regex !== ''
          ? `regex ~${regex}`
          : string(match, 'path') || '/*'
  return conditions === 0 ? path : `${path} (+${conditions})`
}
