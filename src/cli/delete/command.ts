// weft delete: config objects by kind and name, or all that files name.
import { Command } from 'commander'
import { parseAllDocuments } from 'yaml'
import type { ApplyAnswer } from '../client/api-answer.ts'
import { readConfigDocuments } from '../client/config-documents.ts'
import { addMeshOptions, connectToMesh, type MeshOptions } from '../client/mesh-location.ts'
import { waitForPropagation } from '../client/propagation.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { findConfigKind, parseConfigKind } from '../contract/config-kind.ts'
import { EXIT } from '../contract/exit-code.ts'
import { namespaceOption } from '../contract/namespace-option.ts'
import { formatChange } from '../output/config-change.ts'

interface DeleteOptions extends MeshOptions {
  readonly filename?: readonly string[]
  readonly namespace: string
  readonly wait?: boolean
}

interface ObjectName {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

const WAIT_MS = 30_000

export function deleteCommand(context: CliContext): Command {
  const command = new Command('delete')
    .description('Delete configuration by kind and name, or everything that files name.')
    .argument('[kind]', 'virtualservice, destinationrule, ...')
    .argument('[names...]', 'names of objects')
    .option('-f, --filename <path...>', 'files, directories, or - for standard input')
    .addOption(namespaceOption())
    .option('--wait', 'return when every proxy concerned has acknowledged it')
  return addMeshOptions(command)
    .addHelpText('after', '\nExamples:\n  weft delete virtualservice reviews\n  weft delete -f reviews.yaml')
    .action((kind: string | undefined, names: string[], options: DeleteOptions) =>
      deleteObjects(context, kind, names, options),
    )
}

async function deleteObjects(
  context: CliContext,
  kind: string | undefined,
  names: readonly string[],
  options: DeleteOptions,
): Promise<void> {
  const objects =
    options.filename === undefined
      ? namedObjects(kind, names, options.namespace)
      : await objectsOfFiles(context, options.filename, options.namespace)
  const api = connectToMesh(context, options)
  const answer = await api.post<ApplyAnswer>('/v1/config/delete', { objects })
  for (const change of answer.changes) context.stdout(formatChange(change))
  if (!options.wait) return
  const failures = await waitForPropagation(context, api, answer.revision, WAIT_MS)
  if (failures.length > 0) throw new CommandFailure(failures.join('\nweft: '))
}

function namedObjects(kind: string | undefined, names: readonly string[], namespace: string): ObjectName[] {
  if (kind === undefined || names.length === 0) {
    throw new CommandFailure('say what to delete: KIND NAME..., or -f FILE', EXIT.usage)
  }
  const known = parseConfigKind(kind)
  return names.map(name => ({ kind: known, namespace, name }))
}

/** Only names are read: a file that no longer is valid can still be taken back. */
async function objectsOfFiles(context: CliContext, files: readonly string[], namespace: string): Promise<ObjectName[]> {
  const objects: ObjectName[] = []
  for (const { file, text } of await readConfigDocuments(context, files)) {
    for (const document of parseAllDocuments(text)) {
      const kind = document.getIn(['kind'])
      const name = document.getIn(['metadata', 'name'])
      if (document.contents === null) continue
      if (typeof kind !== 'string' || typeof name !== 'string' || findConfigKind(kind) === undefined) {
        throw new CommandFailure(`${file}: a document without a known kind and a metadata.name`, EXIT.problems)
      }
      const own = document.getIn(['metadata', 'namespace'])
      objects.push({ kind, namespace: typeof own === 'string' ? own : namespace, name })
    }
  }
  return objects
}
