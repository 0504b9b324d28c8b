// How config names a claim of a request's JSON Web Token: by the way from the outermost to it.

const CLAIMS = '@request.auth.claims'

/** A claim, and what is in it: `group.id` or `[group][id]`, the latter for names with dots. Null: none is named. */
export function claimNamed(text: string): readonly string[] | null {
  return readClaim(text.startsWith('[') ? text : `.${text}`)
}

/**
 * `@request.auth.claims.group.id` and `@request.auth.claims[group][id]`; null: no claim, as Istio has it.
 */
export function claimOfHeader(name: string): readonly string[] | null {
  if (!name.toLowerCase().startsWith(CLAIMS)) return null
  const rest = name.slice(CLAIMS.length)
  return rest.startsWith('.') || rest.startsWith('[') ? readClaim(rest) : null
}

/** `.group.id` or `[group][id]`. */
function readClaim(text: string): readonly string[] | null {
  if (text.startsWith('.')) return text.length > 1 ? text.slice(1).split('.') : null
  return text.endsWith(']') && text.length > 2 ? text.slice(1, -1).split('][') : null
}
