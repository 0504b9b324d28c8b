// proxy-config clusters: SERVICE FQDN | PORT | SUBSET | DIRECTION | TYPE | DESTINATION RULE.
import type { TableView } from '../output/print-data.ts'
import { configOrigin, type Json, object, string } from './config-dump.ts'
import type { ConfigFilter } from './config-filter.ts'

interface ClusterName {
  readonly direction: string
  readonly port: string
  readonly subset: string
  readonly fqdn: string
}

export function selectClusters(clusters: readonly Json[], filter: ConfigFilter): Json[] {
  return clusters.filter(cluster => {
    const name = parseClusterName(string(cluster, 'name'))
    return (
      (filter.fqdn === undefined || name.fqdn.includes(filter.fqdn)) &&
      (filter.port === undefined || name.port === String(filter.port)) &&
      (filter.subset === undefined || name.subset === filter.subset) &&
      (filter.direction === undefined || name.direction === filter.direction)
    )
  })
}

export function clusterTable(clusters: readonly Json[]): TableView {
  const rows = clusters.map(cluster => {
    const name = parseClusterName(string(cluster, 'name'))
    return [
      name.fqdn,
      name.port || '-',
      name.subset || '-',
      name.direction || '-',
      clusterType(cluster),
      configOrigin(cluster),
    ]
  })
  return {
    header: ['SERVICE FQDN', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE', 'DESTINATION RULE'],
    rows: rows.toSorted((a, b) => a.join().localeCompare(b.join())),
    none: 'no clusters match',
  }
}

/** Istio's name, `direction|port|subset|fqdn`; any other name stands for itself. */
function parseClusterName(name: string): ClusterName {
  const parts = name.split('|')
  if (parts.length !== 4) return { direction: '', port: '', subset: '', fqdn: name }
  const [direction = '', port = '', subset = '', fqdn = ''] = parts
  return { direction, port, subset, fqdn }
}

function clusterType(cluster: Json): string {
  const custom = string(object(cluster, 'cluster_type'), 'name')
  if (custom !== '') return custom.split('.').at(-1)?.toUpperCase() ?? custom
  return string(cluster, 'type') || 'STATIC'
}
