// Istio's MeshConfig as YAML text to the mesh's settings.
import type { Problem } from '../base/problem.ts'
import { DEFAULT_MESH_CONFIG, type MeshConfig } from '../model/mesh-config.ts'
import type { SourceText } from '../model/source-text.ts'
import { ObjectReader } from './document/object-reader.ts'
import { ProblemSink } from './document/problem-sink.ts'
import { readDocuments } from './document/read-documents.ts'
import { MESH_CONFIG } from './istio/registry.ts'

export interface ParsedMeshConfig {
  /** The default wherever a field is absent or wrong. */
  readonly meshConfig: MeshConfig
  readonly problems: readonly Problem[]
}

/** Never throws. */
export function parseMeshConfig(source: SourceText): ParsedMeshConfig {
  const { documents, problems } = readDocuments(source)
  const [first, second] = documents
  const sink = new ProblemSink('MeshConfig')
  if (second) sink.error('WEFT-1009', { path: '', position: second.node.position }, 'one MeshConfig is enough')
  const meshConfig = first ? MESH_CONFIG.read(new ObjectReader(first.node, '', sink)) : DEFAULT_MESH_CONFIG
  return { meshConfig, problems: [...problems, ...sink.problems] }
}
