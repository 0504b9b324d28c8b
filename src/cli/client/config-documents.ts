// Config files for -f: files, directories (with all below them) and `-`, standard input.
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { SourceText } from '../../model/source-text.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'

const CONFIG_FILE = /\.(ya?ml|json)$/
const MAX_FILES = 5000
const MAX_BYTES = 8 * 1024 * 1024

/** Rejects with CommandFailure at the first path that cannot be read, and where nothing is found at all. */
export async function readConfigDocuments(context: CliContext, paths: readonly string[]): Promise<SourceText[]> {
  const documents: SourceText[] = []
  for (const path of paths) {
    if (path === '-') documents.push({ file: '<stdin>', text: await context.readStdin() })
    else for (const file of listFiles(context.cwd, path)) documents.push({ file, text: readText(context.cwd, file) })
  }
  if (documents.length === 0) throw new CommandFailure(`no .yaml, .yml or .json file in ${paths.join(', ')}`)
  return documents
}

/** The config files under `path`, in the order of their names; `path` itself when it is a file. */
export function listFiles(cwd: string, path: string): string[] {
  const stats = statSync(resolve(cwd, path), { throwIfNoEntry: false })
  if (stats === undefined) throw new CommandFailure(`${path}: no such file or directory`)
  if (!stats.isDirectory()) return [path]
  const entries = readdirSync(resolve(cwd, path), { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => CONFIG_FILE.test(entry.name) && isFile(entry))
  if (files.length > MAX_FILES) throw new CommandFailure(`${path}: more than ${MAX_FILES} files`)
  const root = resolve(cwd, path)
  return files.map(entry => join(path, join(entry.parentPath, entry.name).slice(root.length + 1))).sort()
}

/** A link to a file counts: mounted configuration is made of them. */
function isFile(entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isFile()
  return statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.isFile() ?? false
}

function readText(cwd: string, file: string): string {
  const path = resolve(cwd, file)
  if (statSync(path).size > MAX_BYTES) throw new CommandFailure(`${file}: larger than ${MAX_BYTES} bytes`)
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandFailure(`${file}: ${error instanceof Error ? error.message : error}`)
  }
}
