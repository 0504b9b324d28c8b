// Istio's MeshConfig as YAML text to the mesh's settings.
import type { Problem } from '../../../base/problem.ts'
import { DEFAULT_MESH_CONFIG, type MeshConfig } from '../../../model/mesh-config.ts'
import type { SourceText } from '../../../model/source-text.ts'

export interface ParsedMeshConfig {
  /** The default wherever a field is absent or wrong. */
  readonly meshConfig: MeshConfig
  readonly problems: readonly Problem[]
}

/** Never throws. */
export function parseMeshConfig(_source: SourceText): ParsedMeshConfig {
  return { meshConfig: DEFAULT_MESH_CONFIG, problems: [] }
}
