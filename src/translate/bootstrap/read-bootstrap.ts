// A static Envoy v3 bootstrap, YAML or JSON, to its message: what the file says, and what the proxy is to use of it.
import { createRegistry, fromJson, type JsonObject } from '@bufbuild/protobuf'
import type { Problem } from '../../base/problem.ts'
import type { SourceText } from '../../model/source-text.ts'
import { type Bootstrap, BootstrapSchema } from '../../xds/generated/envoy/config/bootstrap/v3/bootstrap_pb.ts'
import { file_envoy_extensions_bootstrap_internal_listener_v3_internal_listener } from '../../xds/generated/envoy/extensions/bootstrap/internal_listener/v3/internal_listener_pb.ts'
import { file_envoy_extensions_resource_monitors_downstream_connections_v3_downstream_connections } from '../../xds/generated/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.ts'
import { file_envoy_extensions_resource_monitors_fixed_heap_v3_fixed_heap } from '../../xds/generated/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap_pb.ts'
import { MESSAGE_REGISTRY } from '../../xds/message-registry.ts'
import { ProblemSink } from '../document/problem-sink.ts'
import { readDocuments } from '../document/read-documents.ts'
import type { MapNode } from '../document/yaml-node.ts'
import { DATA_SOURCE, type DataSourceReader, inlineDataSources } from './data-sources.ts'
import { placeOf } from './field-place.ts'
import { MessageReader } from './message-reader.ts'
import { type Refuse, StaticReferences } from './static-references.ts'

const TYPES = createRegistry(
  MESSAGE_REGISTRY,
  file_envoy_extensions_bootstrap_internal_listener_v3_internal_listener,
  file_envoy_extensions_resource_monitors_downstream_connections_v3_downstream_connections,
  file_envoy_extensions_resource_monitors_fixed_heap_v3_fixed_heap,
)

export class BootstrapFile {
  /** With the content of files and variables in the place of their names. */
  readonly bootstrap: Bootstrap
  /** As the file has it. */
  readonly verbatim: Bootstrap
  readonly #problems: readonly Problem[]
  readonly #node: MapNode

  constructor(node: MapNode, sources: DataSourceReader) {
    this.#node = node
    const sink = new ProblemSink(undefined)
    const refuse: Refuse = (path, message, code = 'WEFT-1005') =>
      sink.error(code, { path, position: placeOf(node, path) }, message)
    const references = new StaticReferences(refuse)
    const visitors = { ...references.visitors, [DATA_SOURCE]: inlineDataSources(sources, refuse) }
    const json = new MessageReader({ types: TYPES, sink, visitors }).read(BootstrapSchema, node, '')
    references.resolve(json['static_resources'] as JsonObject | undefined)
    this.bootstrap = fromJson(BootstrapSchema, json, { registry: TYPES })
    this.#problems = sink.problems
    const plain = new MessageReader({ types: TYPES, sink: new ProblemSink(undefined) }).read(BootstrapSchema, node, '')
    this.verbatim = fromJson(BootstrapSchema, plain, { registry: TYPES })
  }

  /** What was found wrong with the file as it was read, and then with what it configures. */
  allProblems(compiled: readonly Problem[]): readonly Problem[] {
    const read = this.#problems.map(problem => problem.path ?? '')
    // What was dropped because it could not be read is missing: that is told once.
    const news = compiled.filter(problem => !read.some(path => isWithin(path, problem.path ?? '')))
    return [...this.#problems, ...news.map(problem => this.placed(problem))]
  }

  /** A problem whose path begins at the bootstrap, with its place in the file. */
  placed(problem: Problem): Problem {
    return { ...problem, position: placeOf(this.#node, problem.path ?? '') }
  }
}

/** Whether one path leads to the other. */
function isWithin(path: string, other: string): boolean {
  const [outer, inner] = path.length < other.length ? [path, other] : [other, path]
  return inner.startsWith(outer) && /^(|[.[].*)$/.test(inner.slice(outer.length))
}

/** The file, or why it cannot be read at all. */
export function readBootstrap(
  source: SourceText,
  sources: DataSourceReader,
): { readonly file: BootstrapFile } | { readonly problems: readonly Problem[] } {
  const { documents, problems } = readDocuments(source)
  if (problems.length > 0) return { problems }
  const [document, more] = documents
  if (document !== undefined && more === undefined) return { file: new BootstrapFile(document.node, sources) }
  const position = more?.node.position ?? { file: source.file, line: 1, column: 1 }
  const message = document === undefined ? 'holds no bootstrap' : 'holds more than one document'
  return { problems: [{ code: 'WEFT-1004', severity: 'error', message, position }] }
}
