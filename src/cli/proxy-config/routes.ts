// proxy-config routes: NAME | VHOST NAME | DOMAINS | MATCH | VIRTUAL SERVICE, one row per route.
import type { TableView } from '../output/print-data.ts'
import { configOrigin, type Json, list, object, string, strings } from './config-dump.ts'
import type { ConfigFilter } from './config-filter.ts'
import { formatRouteMatch } from './listeners.ts'

const SHOWN_DOMAINS = 2

export function selectRoutes(routes: readonly Json[], filter: ConfigFilter): Json[] {
  return routes.filter(route => filter.name === undefined || string(route, 'name') === filter.name)
}

export function routeTable(routes: readonly Json[]): TableView {
  const rows = routes
    .toSorted((a, b) => string(a, 'name').localeCompare(string(b, 'name'), undefined, { numeric: true }))
    .flatMap(configuration => list(configuration, 'virtual_hosts').flatMap(host => hostRows(configuration, host)))
  return { header: ['NAME', 'VHOST NAME', 'DOMAINS', 'MATCH', 'VIRTUAL SERVICE'], rows, none: 'no routes match' }
}

function hostRows(configuration: Json, host: Json): string[][] {
  const start = [string(configuration, 'name'), string(host, 'name'), formatDomains(host)]
  const routes = list(host, 'routes')
  if (routes.length === 0) return [[...start, '-', '']]
  return routes.map(route => [...start, formatRouteMatch(object(route, 'match')), configOrigin(route)])
}

function formatDomains(host: Json): string {
  const domains = strings(host, 'domains')
  if (domains.length <= SHOWN_DOMAINS) return domains.join(', ')
  return `${domains.slice(0, SHOWN_DOMAINS).join(', ')} + ${domains.length - SHOWN_DOMAINS} more...`
}
