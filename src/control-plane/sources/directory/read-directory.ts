// Every config file below a directory, within bounds.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { SourceText } from '../../../model/source-text.ts'

export interface FoundFile {
  /** The directory as it was given, and the path below it. */
  readonly path: string
  readonly size: number
  /** Changes whenever the file is written, replaced or renamed. */
  readonly mark: string
}

const CONFIG_FILE = /\.(ya?ml|json)$/i
const MAX_FILES = 10_000
const MAX_DEPTH = 32
const MAX_FILE_BYTES = 8 * 1024 * 1024
const MAX_TOTAL_BYTES = 64 * 1024 * 1024

/** Reading stopped at a bound. */
export class TooMuchConfig extends Error {}

/**
 * By path. Hidden files and folders are left out (editors' own files, Git, the `..data` of a mounted ConfigMap), and so
 * are node_modules; linked files are followed, linked folders are not. Throws when a folder cannot be read.
 */
export function listConfigFiles(directory: string): readonly FoundFile[] {
  const found: FoundFile[] = []
  walk(directory, 0, found)
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}

export function fingerprint(files: readonly FoundFile[]): string {
  return files.map(file => `${file.path} ${file.mark}`).join('\n')
}

/** Throws when a file has gone since it was listed, or there is too much. */
export function readConfigFiles(files: readonly FoundFile[]): readonly SourceText[] {
  let total = 0
  for (const file of files) {
    total += file.size
    if (file.size > MAX_FILE_BYTES) throw new TooMuchConfig(`${file.path} is over ${MAX_FILE_BYTES / 1048576} MiB`)
    if (total > MAX_TOTAL_BYTES) throw new TooMuchConfig(`the files are over ${MAX_TOTAL_BYTES / 1048576} MiB together`)
  }
  return files.map(file => ({ file: file.path, text: readFileSync(file.path, 'utf8') }))
}

function walk(directory: string, depth: number, found: FoundFile[]): void {
  if (depth > MAX_DEPTH) throw new TooMuchConfig(`${directory} is nested too deep`)
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    const path = join(directory, entry.name)
    if (entry.isDirectory()) walk(path, depth + 1, found)
    else if (CONFIG_FILE.test(entry.name)) addFile(path, found)
  }
}

function addFile(path: string, found: FoundFile[]): void {
  // A link may point nowhere for the moment in which an editor replaces its target.
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isFile()) return
  if (found.length >= MAX_FILES) throw new TooMuchConfig(`there are over ${MAX_FILES} files`)
  found.push({ path, size: stat.size, mark: `${stat.ino} ${stat.mtimeMs} ${stat.size}` })
}
