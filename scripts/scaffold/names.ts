// The forms of one name: `local-ratelimit`, `LocalRatelimit`, `LOCAL_RATELIMIT`, `local_ratelimit`.

export interface Names {
  readonly kebab: string
  readonly pascal: string
  readonly constant: string
  readonly snake: string
}

/** Null when it is no name: words of lower-case letters and digits, joined by `-`. */
export function namesOf(name: string): Names | null {
  const kebab = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase()
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(kebab)) return null
  const words = kebab.split('-')
  return {
    kebab,
    pascal: words.map(word => word[0]!.toUpperCase() + word.slice(1)).join(''),
    constant: words.join('_').toUpperCase(),
    snake: words.join('_'),
  }
}
