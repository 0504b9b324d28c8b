// From a field's path, as problems name it, to where it stands in the document, or to the nearest thing around it.
import type { SourcePosition } from '../../base/problem.ts'
import type { YamlNode } from '../document/yaml-node.ts'

/** `virtual_hosts[0].routes[1].typed_per_filter_config[envoy.filters.http.fault]` */
const STEP = /([^.[\]]+)|\[([^\]]*)\]/g

/** Where `path`, which begins at `root`, stands; the place of its nearest part that is there. */
export function placeOf(root: YamlNode, path: string): SourcePosition {
  let node = root
  let position = root.position
  for (const [, name, subscript] of path.matchAll(STEP)) {
    const key = name ?? subscript ?? ''
    if (node.kind === 'list') {
      const item = node.items[Number(key)]
      if (item === undefined) return position
      node = item
      position = item.position
    } else if (node.kind === 'map') {
      const entry = node.entries.get(key) ?? node.entries.get(camelCase(key))
      if (entry === undefined) return position
      node = entry.value
      position = entry.keyPosition
    } else return position
  }
  return position
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
