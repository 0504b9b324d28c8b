// What a static bootstrap may refer to: its own clusters and secrets, and nothing that a control plane would deliver.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { ProblemCode } from '../../base/problem-table.ts'
import type { MessageVisitor } from './message-reader.ts'

/** Reports a bad value at a path of the bootstrap, unless the code says otherwise. */
export type Refuse = (path: string, message: string, code?: ProblemCode) => void

interface Reference {
  readonly kind: 'cluster' | 'secret'
  readonly name: string
  readonly path: string
}

export class StaticReferences {
  readonly visitors: Readonly<Record<string, MessageVisitor>>
  readonly #found: Reference[] = []
  readonly #refuse: Refuse

  constructor(refuse: Refuse) {
    this.#refuse = refuse
    this.visitors = {
      'envoy.config.core.v3.ConfigSource': (source, path) => {
        refuse(path, 'no control plane stands behind a static bootstrap', 'WEFT-4001')
        return source
      },
      'envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig': (config, path) => {
        if (config['sds_config'] === undefined) this.#note('secret', config['name'], `${path}.name`)
        return config
      },
      'envoy.config.route.v3.RouteConfiguration': (table, path) => this.#routeConfiguration(table, path),
    }
  }

  /** Once all has been read: what nobody has defined is reported. */
  resolve(resources: JsonObject | undefined): void {
    const names = { cluster: namesOf(resources?.['clusters']), secret: namesOf(resources?.['secrets']) }
    for (const { kind, name, path } of this.#found)
      if (!names[kind].has(name)) this.#refuse(path, `there is no ${kind} "${name}"`)
  }

  /** Envoy checks the clusters of a table that stands in the config itself, unless validate_clusters is false. */
  #routeConfiguration(table: JsonObject, path: string): JsonObject {
    if (table['validate_clusters'] === false) return table
    for (const [h, host] of objects(table['virtual_hosts']).entries()) {
      for (const [r, { route }] of objects(host['routes']).entries()) {
        const at = `${path}.virtual_hosts[${h}].routes[${r}].route`
        const [action] = objects([route ?? null])
        if (action === undefined) continue
        if (action['cluster'] !== undefined) this.#note('cluster', action['cluster'], `${at}.cluster`)
        const [weighted] = objects([action['weighted_clusters'] ?? null])
        for (const [w, cluster] of objects(weighted?.['clusters']).entries())
          if (cluster['name'] !== undefined)
            this.#note('cluster', cluster['name'], `${at}.weighted_clusters.clusters[${w}].name`)
        for (const [m, mirror] of objects(action['request_mirror_policies']).entries())
          if (mirror['cluster'] !== undefined)
            this.#note('cluster', mirror['cluster'], `${at}.request_mirror_policies[${m}].cluster`)
      }
    }
    // Checked here, and checked no more.
    const { validate_clusters: _, ...rest } = table
    return rest
  }

  #note(kind: Reference['kind'], name: JsonValue | undefined, path: string): void {
    if (typeof name === 'string') this.#found.push({ kind, name, path })
  }
}

function objects(value: JsonValue | undefined): JsonObject[] {
  if (!Array.isArray(value)) return []
  return value.filter(item => typeof item === 'object' && item !== null && !Array.isArray(item)) as JsonObject[]
}

function namesOf(resources: JsonValue | undefined): ReadonlySet<JsonValue | undefined> {
  return new Set(objects(resources).map(resource => resource['name']))
}
