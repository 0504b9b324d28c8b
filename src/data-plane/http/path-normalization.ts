// The path in one spelling before anything is matched against it (RFC 3986 6), as Envoy's connection manager does it:
// what a rule refuses must not get by in another spelling.

export type EscapedSlashes = 'keep' | 'reject' | 'redirect' | 'forward'

export interface PathNormalization {
  readonly normalize: boolean
  readonly mergeSlashes: boolean
  readonly escapedSlashes: EscapedSlashes
}

export interface NormalizedPath {
  /** Null: the path is refused (400). */
  readonly path: string | null
  /** The client is sent to the path (307) instead of being served. */
  readonly redirect: boolean
}

const REFUSED: NormalizedPath = { path: null, redirect: false }

const PLAIN = 0
const DOT = 1
const SLASH = 2
const SPECIAL = 3

/** What each character may ask for: dots and slashes only next to each other, SPECIAL always. */
const CHARACTER_CLASS = Uint8Array.from({ length: 256 }, (_, code) => {
  if (code === 0x2e) return DOT
  if (code === 0x2f) return SLASH
  return code >= 0x80 || '%\\"<>^`{|}#'.includes(String.fromCharCode(code)) ? SPECIAL : PLAIN
})

/** Whether the path may need work: the usual path is looked at once and left as it is. */
export function mayNeedNormalization(path: string): boolean {
  let slash = false
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (code === 0x3f) return path.indexOf('#', i) >= 0
    const kind = CHARACTER_CLASS[code]
    if (kind === SPECIAL || (slash && (kind === DOT || kind === SLASH))) return true
    slash = kind === SLASH
  }
  return false
}

/** In Envoy's order: escaped slashes, normalisation, merging. `path` is in origin form. */
export function normalizePath(path: string, config: PathNormalization): NormalizedPath {
  // A fragment never travels in a request (RFC 9110 7.1); servers disagree on what one would mean.
  if (path.includes('#')) return REFUSED
  const queryAt = path.indexOf('?')
  const query = queryAt < 0 ? '' : path.slice(queryAt)
  let text = queryAt < 0 ? path : path.slice(0, queryAt)
  let redirect = false
  if (config.escapedSlashes !== 'keep' && ANY_ESCAPED_SLASH.test(text)) {
    if (config.escapedSlashes === 'reject') return REFUSED
    text = text.replaceAll(ESCAPED_SLASH, '/').replaceAll(ESCAPED_BACKSLASH, '\\')
    redirect = config.escapedSlashes === 'redirect'
  }
  if (config.normalize) {
    const canonical = canonicalize(text)
    if (canonical === null) return REFUSED
    text = canonical
  }
  if (config.mergeSlashes) text = text.replaceAll(SLASHES, '/')
  return { path: text + query, redirect }
}

// Only paths that mayNeedNormalization has picked out come to these.
const ESCAPED_SLASH = /%2f/gi
const ESCAPED_BACKSLASH = /%5c/gi
const ANY_ESCAPED_SLASH = /%(?:2f|5c)/i
const SLASHES = /\/{2,}/g
const ESCAPE = /%([0-9a-f]{2})/gi
const UNRESERVED = /[\w.~-]/
/** Bytes beyond ASCII, too, whatever they would be together (Envoy). */
const UNSAFE = /["<>^`{|}\x80-\xff]/g

/** Escapes of unreserved characters decoded (RFC 3986 6.2.2.2), unsafe ones escaped, dot segments removed (5.2.4). */
function canonicalize(path: string): string | null {
  if (path.includes('%00')) return null
  const spelled = path
    .replaceAll(ESCAPE, (escaped, hex: string) => {
      const character = String.fromCharCode(Number.parseInt(hex, 16))
      return UNRESERVED.test(character) ? character : escaped
    })
    .replaceAll('\\', '/')
    .replaceAll(UNSAFE, unsafe => `%${unsafe.charCodeAt(0).toString(16).toUpperCase()}`)
  return removeDotSegments(spelled)
}

function removeDotSegments(path: string): string {
  const segments = path.split('/')
  const kept: string[] = []
  const last = segments.length - 1
  for (let i = 1; i <= last; i++) {
    const segment = segments[i]!
    // `..;x=y` too is the parent to servers that know path parameters (Envoy resolves it, too).
    const name = segment.startsWith('.') ? segment.split(';', 1)[0]! : segment
    const isParent = name === '..'
    if (!isParent && name !== '.') {
      kept.push(segment)
      continue
    }
    if (isParent) kept.pop()
    // A dot segment at the end stands for the directory.
    if (i === last) kept.push('')
  }
  return `/${kept.join('/')}`
}
