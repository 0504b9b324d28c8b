// What differs between two sets of resources: found once for all the streams that go from the one to the other.
import type { ResourceSet } from './resource-set.ts'

const known = new WeakMap<ResourceSet, Map<string, ReadonlySet<string>>>()

/** Names that were added, changed or removed. Sets of equal version do not differ. */
export function changedNames(from: ResourceSet, to: ResourceSet): ReadonlySet<string> {
  const before = known.get(to) ?? new Map<string, ReadonlySet<string>>()
  known.set(to, before)
  const found = before.get(from.version) ?? compare(from, to)
  before.set(from.version, found)
  return found
}

function compare(from: ResourceSet, to: ResourceSet): ReadonlySet<string> {
  const changed = new Set<string>()
  if (from.version === to.version) return changed
  for (const [name, { version }] of to.resources) if (from.resources.get(name)?.version !== version) changed.add(name)
  for (const name of from.resources.keys()) if (!to.resources.has(name)) changed.add(name)
  return changed
}
