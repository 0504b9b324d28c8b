// Host names as Istio compares them: wildcards at the front only, case aside, short names of a namespace.

/** A host without a dot belongs to the namespace of the object that names it. */
export function expandShortName(host: string, namespace: string, domainSuffix: string): string {
  const lower = host.toLowerCase()
  return lower === '' || lower === '*' || lower.includes('.') || lower.includes(':')
    ? lower
    : `${lower}.${namespace}.svc.${domainSuffix}`
}

export function isWildcard(host: string): boolean {
  return host.startsWith('*')
}

/** Every name of `inner` is one of `outer`. `*.foo.com` does not hold `foo.com`, and holds any depth. */
export function hostWithin(inner: string, outer: string): boolean {
  if (!isWildcard(outer)) return inner === outer
  const suffix = outer.slice(1)
  return isWildcard(inner) ? inner.slice(1).endsWith(suffix) : inner.endsWith(suffix) && inner.length > suffix.length
}

/** There is a name in both. */
export function hostsOverlap(a: string, b: string): boolean {
  return hostWithin(a, b) || hostWithin(b, a)
}

/** The names in both lists, the narrower of each pair, in the order of `a`. */
export function intersectHosts(a: readonly string[], b: readonly string[]): readonly string[] {
  const result = new Set<string>()
  for (const left of a)
    for (const right of b) {
      if (hostWithin(left, right)) result.add(left)
      else if (hostWithin(right, left)) result.add(right)
    }
  return [...result]
}

/** Candidates by which a wildcard may hold `host`, longest first: `*.b.c`, `*.c`, `*`. */
export function* wildcardsOf(host: string): Generator<string> {
  const bare = isWildcard(host) ? host.slice(1) : host
  for (let at = bare.indexOf('.', isWildcard(host) ? 1 : 0); at >= 0; at = bare.indexOf('.', at + 1))
    yield `*${bare.slice(at)}`
  yield '*'
}

const LABEL = /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?$/i
const WILDCARD_LABEL = /^\*[-a-z0-9_]*$/i

/** What is wrong with it as a host, or null. `*` and a wildcard first label are allowed where `wildcards`. */
export function hostFault(host: string, wildcards: boolean): string | null {
  if (host === '') return 'a host must not be empty'
  if (host.length > 255) return `"${host.slice(0, 40)}..." is longer than 255 characters`
  if (host === '*') return wildcards ? null : '"*" is not allowed here'
  const labels = (host.endsWith('.') ? host.slice(0, -1) : host).split('.')
  for (const [index, label] of labels.entries()) {
    if (index === 0 && WILDCARD_LABEL.test(label)) {
      if (!wildcards) return `"${host}": a wildcard is not allowed here`
      if (label !== '*') return `"${host}": a wildcard must be a label of its own`
      continue
    }
    if (label.includes('*')) return `"${host}": a wildcard is allowed as the first label only`
    if (label.length > 63 || !LABEL.test(label)) return `"${host}" is not a DNS name: bad label "${label}"`
  }
  return null
}
