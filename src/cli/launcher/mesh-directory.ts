// A directory that `weft up` starts: weft.yaml, checked as a whole, and mesh/ with the Kubernetes and Istio resources.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Problem } from '../../base/problem.ts'
import type { ConfigObject } from '../../model/config-object.ts'
import { isDnsLabel, readLabels } from '../../translate/document/label-rules.ts'
import { ObjectReader } from '../../translate/document/object-reader.ts'
import { ProblemSink } from '../../translate/document/problem-sink.ts'
import { readDocuments } from '../../translate/document/read-documents.ts'
import { parseConfig } from '../../translate/parse-config.ts'
import { parseMeshConfig } from '../../translate/parse-mesh-config.ts'
import { listFiles } from '../client/config-documents.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { findGroup, partsOf } from './group-parts.ts'
import { readWorkload, type WorkloadBase } from './read-workload.ts'
import type { GatewaySpec, WorkloadSpec } from './workload-spec.ts'

export interface MeshDirectory {
  /** As given. */
  readonly directory: string
  readonly name: string
  readonly namespace: string
  /** `mesh/` in it, relative as the directory was given; null where there is none. */
  readonly configDirectory: string | null
  /** Files in `networking/`, relative to the directory: for a person to apply. */
  readonly examples: readonly string[]
  /** MeshConfig as YAML whose lines are those of weft.yaml; null where there is none. */
  readonly meshConfigText: string | null
  readonly gateway: GatewaySpec | null
  readonly workloads: readonly WorkloadSpec[]
}

export const MESH_FILE = 'weft.yaml'
const MAX_PORT = 65_535

/** Throws CommandFailure when there is no mesh to read; all other faults are problems. */
export function readMeshDirectory(
  cwd: string,
  directory: string,
): { readonly mesh: MeshDirectory; readonly problems: readonly Problem[] } {
  const root = resolve(cwd, directory)
  const stats = statSync(root, { throwIfNoEntry: false })
  if (stats === undefined) throw new CommandFailure(`WEFT-3002: ${directory}: no such directory`)
  if (!stats.isDirectory())
    throw new CommandFailure(`WEFT-3002: ${directory} is not a directory; name the one that holds weft.yaml`)
  const file = join(directory, MESH_FILE)
  if (!existsSync(join(root, MESH_FILE)))
    throw new CommandFailure(`WEFT-3002: ${file}: no such file; it names the workloads to start`)
  return parseMeshFile({ directory, root, file, text: readFileSync(join(root, MESH_FILE), 'utf8') })
}

function listExamples(root: string): string[] {
  try {
    return readdirSync(join(root, 'networking'))
      .filter(file => file.endsWith('.yaml'))
      .map(file => join('networking', file))
      .sort()
  } catch {
    return []
  }
}

interface MeshFileSource {
  readonly directory: string
  readonly root: string
  readonly file: string
  readonly text: string
}

export function parseMeshFile(source: MeshFileSource): {
  readonly mesh: MeshDirectory
  readonly problems: readonly Problem[]
} {
  const { documents, problems } = readDocuments({ file: source.file, text: source.text })
  const sink = new ProblemSink(undefined)
  const start = { file: source.file, line: 1, column: 1 }
  const node = documents[0]?.node ?? { kind: 'map' as const, entries: new Map(), position: start }
  if (documents.length === 0 && problems.length === 0)
    sink.error('WEFT-1006', { path: '', position: start }, 'the file is empty')
  if (documents.length > 1)
    sink.error('WEFT-1011', { path: '', position: documents[1]?.node.position ?? start }, 'one document, please')
  const reader = new ObjectReader(node, '', sink)
  const namespace = readName(reader, 'namespace', 'default')
  const mesh: MeshDirectory = {
    directory: source.directory,
    name: readName(reader, 'name', 'mesh'),
    namespace,
    configDirectory: existsSync(join(source.root, 'mesh')) ? join(source.directory, 'mesh') : null,
    examples: listExamples(source.root),
    meshConfigText: readMeshConfigText(reader, source.text),
    gateway: readGateway(reader),
    workloads: readWorkloads(reader, { root: source.root, namespace, groupOf: groupsBeside(source.root) }),
  }
  // What cannot be read may be there.
  if (documents.length > 0 && problems.length === 0 && !reader.has('workloads')) reader.missing('workloads')
  reader.done()
  const { meshConfigText } = mesh
  const ofMeshConfig =
    meshConfigText === null ? [] : parseMeshConfig({ file: source.file, text: meshConfigText }).problems
  return { mesh, problems: [...problems, ...sink.problems, ...ofMeshConfig] }
}

/** A DNS label, or the default where the field is absent. */
function readName(reader: ObjectReader, field: string, otherwise: string): string {
  const name = reader.string(field)
  if (name === undefined) return otherwise
  if (!isDnsLabel(name))
    reader.sink.badValue(reader.place(field), `"${name}" is not a name of lower-case letters, digits and dashes`)
  return name
}

/** The lines around it blanked, so that every position in it is one in weft.yaml. */
function readMeshConfigText(reader: ObjectReader, text: string): string | null {
  const value = reader.value('meshConfig')
  if (value === undefined) return null
  if (value.node.kind !== 'map') {
    reader.object('meshConfig')
    return null
  }
  const lines = text.split('\n')
  const first = value.position.line - 1
  const keyLine = reader.place('meshConfig').position.line - 1
  const flow = first === keyLine
  let last = first + 1
  while (last < lines.length && !/^[^\s#]/.test(lines[last] ?? '')) last++
  const head = flow
    ? ' '.repeat(value.position.column - 1) + (lines[first] ?? '').slice(value.position.column - 1)
    : (lines[first] ?? '')
  return `${'\n'.repeat(first)}${[head, ...lines.slice(first + 1, last)].join('\n')}\n`
}

function readGateway(reader: ObjectReader): GatewaySpec | null {
  const gateway = reader.object('gateway')
  if (gateway === undefined) return null
  const name = readName(gateway, 'name', 'istio-ingressgateway')
  const readyPath = gateway.string('readyPath') ?? ''
  if (readyPath !== '' && !readyPath.startsWith('/'))
    gateway.sink.badValue(gateway.place('readyPath'), 'a path begins with "/"')
  const spec: GatewaySpec = {
    name,
    namespace: readName(gateway, 'namespace', 'istio-system'),
    labels: { app: name, istio: 'ingressgateway', ...readLabels(gateway, 'labels') },
    serviceAccount: readName(gateway, 'serviceAccount', `${name}-service-account`),
    port: gateway.integer('port', 1, MAX_PORT) ?? 8080,
    readyPath,
    proxy: gateway.enumeration('proxy', ['weft', 'envoy']) ?? 'weft',
  }
  gateway.done()
  return spec
}

/** Read when the first workload asks: what is wrong with the files is said when they are applied. */
function groupsBeside(root: string): WorkloadBase['groupOf'] {
  let objects: readonly ConfigObject[] | null = null
  return (namespace, name) => {
    objects ??= readObjects(root)
    const group = findGroup(objects, namespace, name)
    return group && partsOf(group)
  }
}

function readObjects(root: string): readonly ConfigObject[] {
  if (!existsSync(join(root, 'mesh'))) return []
  const sources = listFiles(root, 'mesh').map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))
  return parseConfig(sources, { defaultNamespace: 'default' }).objects
}

function readWorkloads(reader: ObjectReader, base: WorkloadBase): WorkloadSpec[] {
  const workloads: WorkloadSpec[] = []
  const names = new Set<string>()
  for (const item of reader.objectList('workloads')) {
    for (const workload of readWorkload(item, base)) {
      const key = `${workload.namespace}/${workload.name}`
      if (names.has(key)) {
        item.sink.error(
          'WEFT-1009',
          item,
          `a second workload named ${workload.name}`,
          'give it a name or a version of its own',
        )
      }
      names.add(key)
      workloads.push(workload)
    }
  }
  return workloads
}
