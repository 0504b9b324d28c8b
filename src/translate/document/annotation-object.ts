// An annotation whose value is an object in JSON or YAML, read like any other part of the document. All of it stands where
// the annotation does.
import type { SourcePosition } from '../../base/problem.ts'
import { ObjectReader } from './object-reader.ts'
import type { FieldPlace, ProblemSink } from './problem-sink.ts'
import { readDocuments } from './read-documents.ts'
import type { MapNode, YamlNode } from './yaml-node.ts'

/** Undefined after a problem was reported. */
export function readAnnotationObject(text: string, place: FieldPlace, sink: ProblemSink): ObjectReader | undefined {
  const { documents, problems } = readDocuments({ file: place.position.file, text })
  for (const { code, message } of problems) sink.error(code, place, message)
  if (problems.length > 0) return undefined
  const [only, ...more] = documents
  if (only === undefined || more.length > 0) {
    sink.badValue(place, 'must be one object, in JSON or YAML')
    return undefined
  }
  return new ObjectReader(moveTo(place.position, only.node) as MapNode, place.path, sink)
}

function moveTo(position: SourcePosition, node: YamlNode): YamlNode {
  if (node.kind === 'scalar') return { ...node, position }
  if (node.kind === 'list') return { ...node, items: node.items.map(item => moveTo(position, item)), position }
  const entries = [...node.entries].map(
    ([name, { value }]) => [name, { value: moveTo(position, value), keyPosition: position }] as const,
  )
  return { ...node, entries: new Map(entries), position }
}
