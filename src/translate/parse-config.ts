// Text to config objects: every problem of every document at once.
import type { Problem } from '../base/problem.ts'
import type { ConfigObject } from '../model/config-object.ts'
import type { SourceText } from '../model/source-text.ts'
import type { KindDefinition } from './document/kind-definition.ts'
import { readMetadata } from './document/metadata.ts'
import { nearestName } from './document/nearest-name.ts'
import { ObjectReader } from './document/object-reader.ts'
import { ProblemSink } from './document/problem-sink.ts'
import { type ConfigDocument, readDocuments } from './document/read-documents.ts'
import type { MapNode } from './document/yaml-node.ts'
import { ISTIO_KINDS, UNSUPPORTED_ISTIO_KINDS } from './istio/registry.ts'
import { KUBERNETES_HINTS, KUBERNETES_KINDS } from './kubernetes/registry.ts'
import { WEFT_KINDS } from './weft/registry.ts'

export interface ParsedConfig {
  /** Those without an error. */
  readonly objects: readonly ConfigObject[]
  readonly problems: readonly Problem[]
}

/** Of one source. */
const MAX_PROBLEMS = 1000

const KINDS: ReadonlyMap<string, KindDefinition> = new Map(
  [...ISTIO_KINDS, ...KUBERNETES_KINDS, ...WEFT_KINDS].map(definition => [definition.kind, definition]),
)

/** Never throws. `defaultNamespace` is for objects that name none. */
export function parseConfig(
  sources: readonly SourceText[],
  options: { readonly defaultNamespace: string },
): ParsedConfig {
  const objects: ConfigObject[] = []
  const problems: Problem[] = []
  const seen = new Map<string, ConfigObject>()
  for (const source of sources) {
    const read = readDocuments(source)
    const found = [...read.problems]
    for (const document of read.documents) {
      const parsed = parseDocument(document, options.defaultNamespace)
      for (const problem of parsed.problems) found.push(problem)
      if (!parsed.object) continue
      const key = `${parsed.object.kind}/${parsed.object.namespace}/${parsed.object.name}`
      const first = seen.get(key)
      if (first) found.push(duplicate(parsed.object, first))
      else objects.push(parsed.object)
      seen.set(key, first ?? parsed.object)
    }
    for (const problem of bounded(found.sort(byPosition))) problems.push(problem)
  }
  return { objects, problems }
}

/** More than anyone reads. The last one says how many there were. */
function bounded(problems: readonly Problem[]): readonly Problem[] {
  const omitted = problems.length - MAX_PROBLEMS
  if (omitted <= 0) return problems
  const shown = problems.slice(0, MAX_PROBLEMS)
  const severity = problems.slice(MAX_PROBLEMS).some(problem => problem.severity === 'error') ? 'error' : 'warning'
  return [...shown, { ...shown[0]!, code: 'WEFT-1010', severity, message: `and ${omitted} more problems in this file` }]
}

/** As one reads the file. */
function byPosition({ position: a }: Problem, { position: b }: Problem): number {
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0)
}

function duplicate(object: ConfigObject, first: ConfigObject): Problem {
  const { file, line } = first.position
  return {
    code: 'WEFT-1009',
    severity: 'error',
    object: `${object.kind} ${object.namespace}/${object.name}`,
    message: `defined before, at ${file}:${line}`,
    position: object.position,
  }
}

function parseDocument(
  document: ConfigDocument,
  defaultNamespace: string,
): { object: ConfigObject | null; problems: readonly Problem[] } {
  const label = labelOf(document.node, defaultNamespace)
  const sink = new ProblemSink(label)
  const root = new ObjectReader(document.node, '', sink)
  const definition = definitionOf(root)
  if (!definition) return { object: null, problems: sink.problems }
  const metadata = readMetadata(root, defaultNamespace, definition.kind)
  root.ignore('status')
  const spec = root.object('spec')
  // A policy without a spec is one: it asks for what the level above has.
  const emptyIsFine = definition.kind === 'PeerAuthentication'
  if (!spec && !root.has('spec') && !emptyIsFine) root.missing('spec')
  const reader = spec ?? (emptyIsFine && !root.has('spec') ? emptyReader(document.node, sink) : undefined)
  const parsed = reader && definition.parseSpec(reader, metadata)
  root.done()
  if (!parsed || sink.hasErrors) return { object: null, problems: sink.problems }
  const object = {
    kind: definition.kind,
    apiVersion: root.string('apiVersion') ?? '',
    ...metadata,
    spec: parsed,
    text: document.text,
    position: document.node.position,
    createdAt: 0,
  } as ConfigObject
  return { object, problems: sink.problems }
}

function emptyReader(node: MapNode, sink: ProblemSink): ObjectReader {
  return new ObjectReader({ kind: 'map', entries: new Map(), position: node.position }, 'spec', sink)
}

/** How problems name the object: as much of `Kind namespace/name` as it has. */
function labelOf(node: MapNode, defaultNamespace: string): string | undefined {
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value !== '' ? value.slice(0, 300) : undefined
  const scalar = (map: MapNode | undefined, key: string): string | undefined => {
    const value = map?.entries.get(key)?.value
    return value?.kind === 'scalar' ? text(value.value) : undefined
  }
  const kind = scalar(node, 'kind')
  const metadata = node.entries.get('metadata')?.value
  const map = metadata?.kind === 'map' ? metadata : undefined
  const name = scalar(map, 'name')
  if (!kind || !name) return kind
  return `${kind} ${scalar(map, 'namespace') ?? defaultNamespace}/${name}`
}

/** The kind's definition; else the problem is reported: unknown, of another version, or not supported yet. */
function definitionOf(root: ObjectReader): KindDefinition | undefined {
  const apiVersion = root.requiredString('apiVersion')
  const kind = root.requiredString('kind')
  if (apiVersion === '' || kind === '') return undefined
  const definition = KINDS.get(kind)
  if (definition?.apiVersions.includes(apiVersion)) return definition
  const { sink } = root
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : ''
  const hint = KUBERNETES_HINTS[kind]
  if (UNSUPPORTED_ISTIO_KINDS[group]?.includes(kind)) sink.unsupported(root.place('kind'), `${group} ${kind}`)
  else if (definition) {
    const place = root.place('apiVersion')
    sink.error(
      'WEFT-1002',
      place,
      `"${apiVersion}" is not an API version of ${kind}`,
      definition.apiVersions.join(', '),
    )
  } else if (hint) sink.unsupported(root.place('kind'), `the Kubernetes kind ${kind}`, hint)
  else {
    const near = nearestName(kind, KINDS.keys())
    sink.error('WEFT-1002', root.place('kind'), `unknown kind "${kind}"`, near && `did you mean "${near}"?`)
  }
  return undefined
}
