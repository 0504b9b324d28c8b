// Who wins where several objects speak of one thing: the oldest, then by name, then by namespace.
import type { ConfigKind, ConfigObject, ConfigObjectOf } from '../../model/config-object.ts'
import type { DefaultExportTo } from '../../model/mesh-config.ts'
import type { Origin } from '../../model/origin.ts'

interface Aged {
  readonly createdAt: number
  readonly name: string
  readonly namespace: string
}

export function byAge(a: Aged, b: Aged): number {
  return a.createdAt - b.createdAt || compare(a.name, b.name) || compare(a.namespace, b.namespace)
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The objects of one kind, in order of precedence. */
export function objectsOf<K extends ConfigKind>(
  objects: readonly ConfigObject[],
  kind: K,
): readonly ConfigObjectOf<K>[] {
  const found = objects.filter(object => object.kind === kind) as unknown as ConfigObjectOf<K>[]
  return found.sort(byAge)
}

export function originOf(object: ConfigObject | ConfigObjectOf<ConfigKind>): Origin {
  return { kind: object.kind, namespace: object.namespace, name: object.name, position: object.position }
}

/** What an object says itself, else what the mesh says for it. */
export function exportedBy(own: readonly string[], fallback: DefaultExportTo, namespace: string): readonly string[] {
  return own.length === 0 && fallback === '.' ? [namespace] : own
}

/** Visible from `namespace`. An empty list is the default: everywhere. `~` (services only) is nowhere. */
export function exportedTo(exportTo: readonly string[], namespace: string): boolean {
  return exportTo.length === 0 || exportTo.includes('*') || exportTo.includes(namespace)
}
