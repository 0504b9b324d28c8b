// The house rules of src/, held by reading its import lines: floors, islands, cycles, sizes, names, purity.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { test } from 'node:test'

const SRC = join(import.meta.dirname, '../src')

/** Bottom to top. A folder may import itself and every floor below; never up, never sideways. */
const FLOORS: readonly (readonly string[])[] = [
  ['base'], // time, chance, problems, bytes: knows nothing of meshes
  ['xds', 'model', 'automata'], // wire resources; the mesh's own nouns; the one matcher
  ['transport', 'wasm', 'translate'], // bytes on sockets; proxy-wasm host; YAML -> model -> xDS (pure)
  ['data-plane', 'control-plane', 'verifier'], // engines, strangers to one another
  ['cli', 'console'], // faces
  ['main'], // composition roots: the only place where engines meet
]

/** Folders whose children are strangers: each may import itself and `contract`; only the registry beside them sees all. */
const ISLANDS: readonly string[] = [
  'data-plane/filters/http',
  'data-plane/filters/network',
  'data-plane/filters/listener',
  'data-plane/load-balancers',
  'translate/istio',
  'translate/kubernetes',
  'translate/weft',
  'control-plane/sources',
  'cli',
]

/** Folders inside an island that all its children share, besides `contract`; each is a contract of its own. */
const SHARED_CHILDREN = new Set(['contract', 'launcher', 'output', 'client'])

const MAX_LINES = { source: 500, test: 800 }
const MIN_MODULES = 200 // a gate that reads nothing must not pass
const VAGUE_NAMES = /^(utils?|helpers?|common|misc|shared|types|constants)\.ts$/
const SPECIFIER = /\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]|\bimport\s*['"]([^'"]+)['"]/g

/** Reading time, setting timers and rolling dice belong to base/; everything else is handed a Clock and a Random. */
const EFFECTS =
  /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|(?<![.\w])(?:setTimeout|setInterval)\(|\bMath\.random\(|\brandomBytes\(|\brandomUUID\(/

/** Where per-request code lives: no promise, no exception, no JSON, no regex literal. Cold files are named. */
const HOT_FILES =
  /^(transport\/http[12]?|data-plane\/(http|pool|load-balancers))\/(?!.*(config|compile|registry|factory|contract\/)).*\.ts$/
const COLD_WORDS =
  /\basync\b|\bawait\b|\bPromise\b|\bJSON\.|\bthrow\b|\bnew Map\(\)\.|(?:[=(,:]|return)\s*\/(?![/*])(?:\\.|[^/\\\n])+\/[a-z]*[.,;)\s]/

const source = new Map<string, string>()
for (const file of globSync('**/*.ts', { cwd: SRC, exclude: ['xds/generated/**'] })) {
  source.set(file, readFileSync(join(SRC, file), 'utf8'))
}
const graph = new Map<string, string[]>()
for (const [file, text] of source) {
  const targets = [...text.matchAll(SPECIFIER)].map(m => m[1] ?? m[2] ?? m[3]!).filter(s => s.startsWith('.'))
  graph.set(
    file,
    targets.map(s => relative(SRC, join(SRC, dirname(file), s))).filter(s => !s.startsWith(`xds${sep}generated`)),
  )
}

/** Tests, and what only tests import: fakes, fixtures. */
const isTest = (file: string): boolean =>
  /\.(test|bench)\.ts$|(^|\/)(fake-|testing\/)|-fixture\.ts$|golden-file\.ts$/.test(file)
const roomOf = (file: string): string => file.split(sep)[0]!
const floorOf = (file: string): number => FLOORS.findIndex(floor => floor.includes(roomOf(file)))

function edges(breaks: (from: string, to: string) => boolean): string[] {
  const broken: string[] = []
  for (const [from, targets] of graph) for (const to of targets) if (breaks(from, to)) broken.push(`${from} -> ${to}`)
  return broken
}

function islandOf(file: string): { root: string; child: string } | undefined {
  const root = ISLANDS.find(island => file.startsWith(`${island}/`))
  return root === undefined ? undefined : { root, child: file.slice(root.length + 1).split(sep)[0]! }
}

test('the gate sees the code', () => assert.ok(graph.size >= MIN_MODULES, `only ${graph.size} modules read`))

test('every import resolves to a file in src', () => {
  assert.deepEqual(
    edges((_, to) => !graph.has(to)),
    [],
  )
})

test('every folder has a floor', () => {
  assert.deepEqual(
    [...graph.keys()].filter(file => floorOf(file) < 0),
    [],
  )
})

test('nothing imports upward or sideways', () => {
  const breaks = (from: string, to: string): boolean =>
    floorOf(to) > floorOf(from) || (floorOf(to) === floorOf(from) && roomOf(to) !== roomOf(from))
  assert.deepEqual(edges(breaks), [])
})

test('an island is reached only from itself and from the registry file beside it', () => {
  const trespasses = (from: string, to: string): boolean => {
    const goal = islandOf(to)
    if (isTest(from) || goal === undefined || goal.child.endsWith('.ts') || SHARED_CHILDREN.has(goal.child))
      return false
    const start = islandOf(from)
    return !(start?.root === goal.root && (start.child === goal.child || start.child === 'registry.ts'))
  }
  assert.deepEqual(edges(trespasses), [])
})

test('no cycles, type-only imports included', () => {
  const mark = new Map<string, 1 | 2>()
  const trail: string[] = []
  const cycles: string[] = []
  const visit = (file: string): void => {
    mark.set(file, 1)
    trail.push(file)
    for (const to of graph.get(file) ?? []) {
      if (mark.get(to) === 1) cycles.push([...trail.slice(trail.indexOf(to)), to].join(' -> '))
      else if (!mark.has(to)) visit(to)
    }
    trail.pop()
    mark.set(file, 2)
  }
  for (const file of graph.keys()) if (!mark.has(file)) visit(file)
  assert.deepEqual(cycles, [])
})

test('files can be read in one sitting', () => {
  const tooLong = [...source].filter(
    ([file, text]) => text.split('\n').length > (isTest(file) ? MAX_LINES.test : MAX_LINES.source),
  )
  assert.deepEqual(
    tooLong.map(([file]) => file),
    [],
  )
})

test('file names say what is inside', () => {
  assert.deepEqual(
    [...graph.keys()].filter(file => VAGUE_NAMES.test(basename(file))),
    [],
  )
})

test('every file says near its top what it is', () => {
  const silent = [...source].filter(([file, text]) => !isTest(file) && !/^\s*(\/\/|\/\*\*)/m.test(text.slice(0, 1500)))
  assert.deepEqual(
    silent.map(([file]) => file),
    [],
  )
})

function linesMatching(pattern: RegExp, wanted: (file: string) => boolean): string[] {
  const found: string[] = []
  for (const [file, text] of source) {
    if (!wanted(file)) continue
    for (const [index, line] of text.split('\n').entries()) {
      if (/^(export )?const [A-Z][A-Z0-9_]* = /.test(line)) continue // made once, when the module is loaded
      if (pattern.test(line.replace(/^\s*(\/\/|\*|\/\*).*$|\s\/\/\s.*$/, '')))
        found.push(`${file}:${index + 1}: ${line.trim()}`)
    }
  }
  return found
}

test('only base/ and the composition roots read clocks, set timers and roll dice', () => {
  assert.deepEqual(
    linesMatching(EFFECTS, file => !isTest(file) && !['base', 'main'].includes(roomOf(file))),
    [],
  )
})

test('the hot path has no promise, exception, JSON or regex literal', () => {
  assert.deepEqual(
    linesMatching(COLD_WORDS, file => !isTest(file) && HOT_FILES.test(file)),
    [],
  )
})

test('translate is pure: no file, socket or process', () => {
  const impure = /from 'node:(fs|net|http|https|child_process|dns|tls|process)/
  assert.deepEqual(
    linesMatching(impure, file => !isTest(file) && ['translate', 'model', 'automata', 'xds'].includes(roomOf(file))),
    [],
  )
})

test('a proxy loads neither undici nor an ASN.1 library', () => {
  // See transport/http/node-http.ts: what imports node:http for more than its types pays for all of undici.
  const heavy = /^(import (?!type\b).*|\} )from '(node:https?|@peculiar\/x509)'|'reflect-metadata'/
  assert.deepEqual(
    linesMatching(heavy, file => !isTest(file) && ['base', 'xds', 'transport', 'data-plane'].includes(roomOf(file))),
    [],
  )
})
