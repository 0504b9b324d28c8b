// YAML as plain immutable values that know where they stand: aliases written out, everything bounded.
import { isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml'
import type { SourcePosition } from '../../base/problem.ts'

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  readonly position: SourcePosition
}
export interface ListNode {
  readonly kind: 'list'
  readonly items: readonly YamlNode[]
  readonly position: SourcePosition
}
export interface MapEntry {
  readonly value: YamlNode
  readonly keyPosition: SourcePosition
}
export interface MapNode {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, MapEntry>
  readonly position: SourcePosition
}
export type YamlNode = ScalarNode | ListNode | MapNode

/** Deeper than any Istio object by far. */
const MAX_DEPTH = 50
/** Nodes of one document, aliases counted each time they are used: a bound on "billion laughs". */
const MAX_NODES = 200_000

/** Thrown by NodeConverter only. */
export class ConversionError extends Error {
  readonly code: 'WEFT-1001' | 'WEFT-1010'
  readonly position: SourcePosition
  constructor(code: 'WEFT-1001' | 'WEFT-1010', message: string, position: SourcePosition) {
    super(message)
    this.code = code
    this.position = position
  }
}

/** Converts one document. Nodes that aliases name are shared, and counted each time. */
export class NodeConverter {
  readonly #file: string
  readonly #lines: LineCounter
  readonly #anchors = new Map<string, { readonly node: YamlNode; readonly size: number }>()
  /** Keys that occur twice in one map: YAML forbids it. */
  readonly duplicateKeys: { readonly name: string; readonly position: SourcePosition }[] = []
  #left = MAX_NODES

  constructor(file: string, lines: LineCounter) {
    this.#file = file
    this.#lines = lines
  }

  positionAt(offset: number): SourcePosition {
    const { line, col } = this.#lines.linePos(offset)
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }

  /** Throws ConversionError. */
  convert(node: Node | null, fallback: SourcePosition, depth = 0): YamlNode {
    const position = node?.range ? this.positionAt(node.range[0]) : fallback
    if (depth > MAX_DEPTH) throw new ConversionError('WEFT-1010', `nested deeper than ${MAX_DEPTH} levels`, position)
    const before = this.#left
    this.#spend(1, position)
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source)
      if (!target) throw new ConversionError('WEFT-1001', `the alias *${node.source} has no anchor before it`, position)
      this.#spend(target.size, position)
      return target.node
    }
    const converted = this.#convertNode(node, position, depth)
    const anchor = node && 'anchor' in node ? node.anchor : undefined
    if (anchor) this.#anchors.set(anchor, { node: converted, size: before - this.#left })
    return converted
  }

  #convertNode(node: Node | null, position: SourcePosition, depth: number): YamlNode {
    if (isSeq(node)) {
      const items = node.items.map(item => this.convert(item as Node | null, position, depth + 1))
      return { kind: 'list', items, position }
    }
    if (isMap(node)) {
      const entries = new Map<string, MapEntry>()
      const merged: YamlNode[] = []
      for (const { key, value } of node.items) {
        const keyNode = key as Node | null
        if (isMergeKey(keyNode)) {
          merged.push(this.convert(value as Node | null, position, depth + 1))
          continue
        }
        const keyPosition = keyNode?.range ? this.positionAt(keyNode.range[0]) : position
        const name = isScalar(keyNode) ? String(keyNode.value) : '(complex key)'
        if (entries.has(name)) this.duplicateKeys.push({ name, position: keyPosition })
        entries.set(name, { value: this.convert(value as Node | null, keyPosition, depth + 1), keyPosition })
      }
      for (const source of merged) mergeInto(entries, source)
      return { kind: 'map', entries, position }
    }
    return { kind: 'scalar', value: plain(isScalar(node) ? node.value : null), position }
  }

  #spend(nodes: number, position: SourcePosition): void {
    this.#left -= nodes
    if (this.#left < 0)
      throw new ConversionError('WEFT-1010', `more than ${MAX_NODES} values in one document`, position)
  }
}

/** `<<`, of YAML 1.1, which kubectl reads. */
function isMergeKey(key: Node | null): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN'
}

/** What the map says itself wins, then the earlier of several sources. What is no map stays, and is an unknown field. */
function mergeInto(entries: Map<string, MapEntry>, source: YamlNode): void {
  for (const map of source.kind === 'list' ? source.items : [source])
    if (map.kind !== 'map') entries.set('<<', { value: map, keyPosition: map.position })
    else for (const [name, entry] of map.entries) if (!entries.has(name)) entries.set(name, entry)
}

function plain(value: unknown): string | number | boolean | null {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return value === null || value === undefined ? null : String(value)
}
