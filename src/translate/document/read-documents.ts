// A text of YAML documents (or JSON, which is YAML) to values with positions.
import { LineCounter, parseAllDocuments, stringify } from 'yaml'
import type { Problem, SourcePosition } from '../../base/problem.ts'
import type { SourceText } from '../../model/source-text.ts'
import { ConversionError, type MapNode, NodeConverter, type YamlNode } from './yaml-node.ts'

export interface ConfigDocument {
  readonly node: MapNode
  /** The YAML of this object alone. */
  readonly text: string
}

export interface ReadDocuments {
  readonly documents: readonly ConfigDocument[]
  readonly problems: readonly Problem[]
}

/** Bytes would be as good; characters are what is at hand. */
const MAX_TEXT_LENGTH = 8 * 1024 * 1024
const MAX_DOCUMENTS = 10_000
/** Before the parser proper, which recurses: no honest config opens so many brackets in a row. */
const TOO_MANY_BRACKETS = /(?:[[{]\s*){60}/
const TOO_DEEP_BLOCK = /^(?:[-?:][ \t]+){60}/m

/** Every document that is an object; `kind: List` is unrolled. Never throws. */
export function readDocuments(source: SourceText): ReadDocuments {
  const start: SourcePosition = { file: source.file, line: 1, column: 1 }
  const tooLarge = (message: string, position = start): ReadDocuments => ({
    documents: [],
    problems: [{ code: 'WEFT-1010', severity: 'error', message, position }],
  })
  if (source.text.length > MAX_TEXT_LENGTH) return tooLarge(`longer than ${MAX_TEXT_LENGTH} characters`)
  if (TOO_MANY_BRACKETS.test(source.text) || TOO_DEEP_BLOCK.test(source.text)) return tooLarge('nested too deeply')
  const lines = new LineCounter()
  try {
    const parsed = parseAllDocuments(source.text, {
      lineCounter: lines,
      logLevel: 'error',
      // Both cost the square of their number; the converter sees duplicate keys, and the position is printed anyway.
      uniqueKeys: false,
      prettyErrors: false,
      // Whatever a %YAML directive or a tag asks for: dates, sets and the like are nothing that config has.
      schema: 'core',
      resolveKnownTags: false,
    })
    if (!Array.isArray(parsed)) return { documents: [], problems: [] }
    if (parsed.length > MAX_DOCUMENTS) return tooLarge(`more than ${MAX_DOCUMENTS} documents`)
    const documents: ConfigDocument[] = []
    const problems: Problem[] = []
    for (const document of parsed) {
      const converter = new NodeConverter(source.file, lines)
      // Warnings are tags that mean nothing here: the value would be read as if they were not there.
      const faults = [...document.errors, ...document.warnings]
      for (const error of faults) {
        const message = error.message.startsWith('Maximum call stack') ? 'nested too deeply' : error.message
        problems.push({ code: 'WEFT-1001', severity: 'error', message, position: converter.positionAt(error.pos[0]) })
      }
      if (faults.length > 0 || document.contents === null) continue
      const [from, , to] = document.contents.range
      const node = converter.convert(document.contents, start)
      for (const { name, position } of converter.duplicateKeys)
        problems.push({ code: 'WEFT-1001', severity: 'error', message: `the key "${name}" is given twice`, position })
      if (converter.duplicateKeys.length > 0) continue
      collect(node, source.text.slice(withIndentation(source.text, from), to), documents, problems)
    }
    return { documents, problems }
  } catch (error) {
    if (error instanceof ConversionError) {
      const { code, message, position } = error
      return { documents: [], problems: [{ code, severity: 'error', message, position }] }
    }
    // The parser's own recursion.
    const message = error instanceof RangeError ? 'nested too deeply' : `not YAML: ${String(error)}`
    const code = error instanceof RangeError ? 'WEFT-1010' : 'WEFT-1001'
    return { documents: [], problems: [{ code, severity: 'error', message, position: start }] }
  }
}

/** The start of the line where nothing but blanks stands before the document: its other lines are as far to the right. */
function withIndentation(text: string, from: number): number {
  let start = from
  while (start > 0 && text[start - 1] === ' ') start--
  return start === 0 || text[start - 1] === '\n' ? start : from
}

function collect(node: YamlNode, text: string, documents: ConfigDocument[], problems: Problem[]): void {
  if (node.kind === 'scalar' && node.value === null) return
  if (node.kind !== 'map') {
    const message = `a document must be an object, not a ${node.kind === 'list' ? 'list' : 'single value'}`
    problems.push({ code: 'WEFT-1004', severity: 'error', message, position: node.position })
    return
  }
  const kind = node.entries.get('kind')?.value
  const items = node.entries.get('items')?.value
  if (kind?.kind === 'scalar' && kind.value === 'List' && items?.kind === 'list') {
    for (const item of items.items) collect(item, stringify(toPlain(item)), documents, problems)
    return
  }
  documents.push({ node, text: text.endsWith('\n') ? text : `${text}\n` })
}

/** The value without its positions. */
export function toPlain(node: YamlNode): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(toPlain)
  return Object.fromEntries([...node.entries].map(([name, entry]) => [name, toPlain(entry.value)]))
}
