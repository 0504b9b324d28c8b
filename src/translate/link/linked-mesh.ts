// A mesh with every reference resolved: what resources are made from, for any of its proxies.
import type { Problem } from '../../base/problem.ts'
import type { MeshInput } from './mesh-input.ts'

export interface LinkedMesh {
  readonly input: MeshInput
  /** Over the whole set: errors and warnings. */
  readonly problems: readonly Problem[]
}
