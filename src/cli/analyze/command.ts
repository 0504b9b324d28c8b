// weft analyze: every problem of config files, alone and as a set, without a mesh.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import type { Problem } from '../../base/problem.ts'
import { DEFAULT_MESH_CONFIG, type MeshConfig } from '../../model/mesh-config.ts'
import type { SourceText } from '../../model/source-text.ts'
import type { Workload } from '../../model/workload.ts'
import { link } from '../../translate/link/link.ts'
import { parseConfig } from '../../translate/parse-config.ts'
import { parseMeshConfig } from '../../translate/parse-mesh-config.ts'
import { readConfigDocuments } from '../client/config-documents.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { EXIT } from '../contract/exit-code.ts'
import { namespaceOption } from '../contract/namespace-option.ts'
import { MESH_FILE, readMeshDirectory } from '../launcher/mesh-directory.ts'
import { plannedWorkloads } from '../launcher/planned-workload.ts'
import { type OutputForm, outputOption, printData } from '../output/print-data.ts'
import { countProblems, formatProblems, hasErrors } from '../output/print-problems.ts'

interface AnalyzeOptions {
  readonly namespace: string
  readonly meshConfig?: string
  readonly output: OutputForm
}

interface Analyzed {
  readonly documents: SourceText[]
  readonly workloads: Workload[]
  readonly problems: Problem[]
  meshConfig: MeshConfig
}

export function analyzeCommand(context: CliContext): Command {
  return new Command('analyze')
    .description(
      'Find problems in configuration files, without a mesh. A directory with weft.yaml is read as "weft up" would ' +
        'start it. Exit code 79 when there are errors.',
    )
    .argument('<path...>', 'files, directories, or - for standard input')
    .addOption(namespaceOption())
    .option('--mesh-config <file>', 'Istio MeshConfig')
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  weft analyze examples/bookinfo\n  weft analyze mesh/ reviews.yaml -o json')
    .action((paths: string[], options: AnalyzeOptions) => analyze(context, paths, options))
}

async function analyze(context: CliContext, paths: readonly string[], options: AnalyzeOptions): Promise<void> {
  const found: Analyzed = { documents: [], workloads: [], problems: [], meshConfig: DEFAULT_MESH_CONFIG }
  for (const path of paths) await readPath(context, path, found)
  if (options.meshConfig !== undefined) {
    const text = readFileSync(resolve(context.cwd, options.meshConfig), 'utf8')
    takeMeshConfig({ file: options.meshConfig, text }, found)
  }
  const { objects, problems } = parseConfig(found.documents, { defaultNamespace: options.namespace })
  found.problems.push(...problems)
  const input = { objects, services: [], workloads: found.workloads, meshConfig: found.meshConfig }
  found.problems.push(...link(input).problems)
  report(context, paths, found.problems, options.output)
}

async function readPath(context: CliContext, path: string, found: Analyzed): Promise<void> {
  const isMesh = path !== '-' && existsSync(join(resolve(context.cwd, path), MESH_FILE))
  if (!isMesh) {
    found.documents.push(...(await readConfigDocuments(context, [path])))
    return
  }
  const { mesh, problems } = readMeshDirectory(context.cwd, path)
  found.problems.push(...problems)
  if (mesh.meshConfigText !== null) {
    found.meshConfig = parseMeshConfig({ file: MESH_FILE, text: mesh.meshConfigText }).meshConfig
  }
  found.workloads.push(...plannedWorkloads(mesh))
  if (mesh.configDirectory !== null) {
    found.documents.push(...(await readConfigDocuments(context, [mesh.configDirectory])))
  }
}

function takeMeshConfig(source: SourceText, found: Analyzed): void {
  const parsed = parseMeshConfig(source)
  found.meshConfig = parsed.meshConfig
  found.problems.push(...parsed.problems)
}

function report(context: CliContext, paths: readonly string[], problems: readonly Problem[], form: OutputForm): void {
  if (form !== 'table') {
    printData(context, form, problems.map(toMessage), () => ({ header: [], rows: [], none: '' }))
  } else if (problems.length === 0) {
    context.stderr(`✔ No validation issues found when analyzing ${paths.join(', ')}.\n`)
  } else {
    context.stdout(formatProblems(problems))
    context.stderr(`${countProblems(problems)} in ${paths.join(', ')}\n`)
  }
  if (hasErrors(problems)) throw new CommandFailure('', EXIT.problems)
}

const LEVELS = { error: 'Error', warning: 'Warning', info: 'Info' } as const

/** In the shape of istioctl analyze -o json. */
function toMessage(problem: Problem): Record<string, unknown> {
  const at = problem.position
  return {
    code: problem.code,
    documentationUrl: `docs/problems.md#${problem.code.toLowerCase()}`,
    level: LEVELS[problem.severity],
    message: problem.message + (problem.hint === undefined ? '' : `; ${problem.hint}`),
    ...(problem.object === undefined ? {} : { origin: problem.object }),
    ...(problem.path === undefined ? {} : { path: problem.path }),
    ...(at === undefined ? {} : { reference: `${at.file}:${at.line}:${at.column}` }),
  }
}
