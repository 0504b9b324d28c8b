// Envoy's URI templates: `/v1/{country}/{rest=**}` for matching, `/{rest}/in/{country}` for rewriting.
// A template is a regular expression by another name, and is compiled to one.

import { compileRegex, type Regex } from '../../automata/regex.ts'
import { compileReplacement, type RegexReplacement } from '../../automata/regex-replacement.ts'
import type { Parsed } from '../../base/problem.ts'

export interface UriTemplate {
  readonly regex: Regex
  /** In the order of the regex's groups. */
  readonly names: readonly string[]
}

/** RFC 3986's pchar without `*` and `=`, which mean something here; globs take them. */
const LITERAL = "a-zA-Z0-9\\-._~%!$&'()+,;:@"
const ONLY_LITERAL = new RegExp(`^[${LITERAL}]+$`)
const REWRITE_LITERAL = new RegExp(`^[${LITERAL}/]+$`)
const NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/
const VISIBLE = /^\/[\x21-\x7e]*$/
/** Envoy's bounds. */
const MAX_NAMES = 5
const MAX_NAME_LENGTH = 16

/** Thrown and caught in this file. */
class TemplateFault extends Error {}

class TemplateReader {
  readonly names: string[] = []
  #seenTextGlob = false
  #rest: string

  constructor(template: string) {
    if (!VISIBLE.test(template)) throw new TemplateFault('must begin with a slash and hold visible ASCII alone')
    this.#rest = template.slice(1)
  }

  /** The regex's source. */
  read(): string {
    let source = '/'
    while (this.#rest !== '') {
      source += this.#segment()
      if (this.#rest === '') break
      if (this.#rest[0] !== '/') return source + this.#suffix()
      source += '/'
      this.#rest = this.#rest.slice(1)
    }
    return source
  }

  #segment(): string {
    if (this.#rest[0] === '*') return this.#glob()
    if (this.#rest[0] === '{') return this.#variable()
    return this.#literal()
  }

  #glob(): string {
    const isText = this.#rest.startsWith('**')
    this.#rest = this.#rest.slice(isText ? 2 : 1)
    return this.#globSource(isText)
  }

  #globSource(isText: boolean): string {
    if (this.#seenTextGlob) throw new TemplateFault('nothing but literals may follow **')
    this.#seenTextGlob = isText
    return isText ? `[${LITERAL}*=/]*` : `[${LITERAL}*=]+`
  }

  #literal(): string {
    const end = this.#rest.indexOf('/')
    const literal = end < 0 ? this.#rest : this.#rest.slice(0, end)
    if (!ONLY_LITERAL.test(literal)) throw new TemplateFault(`${JSON.stringify(literal)} is no literal`)
    this.#rest = this.#rest.slice(literal.length)
    return quoted(literal)
  }

  /** Behind a variable, or a glob, in the last segment: `{id}.json`. */
  #suffix(): string {
    const suffix = this.#literal()
    if (this.#rest !== '') throw new TemplateFault('text right behind a variable must end the template')
    return suffix
  }

  #variable(): string {
    const end = this.#rest.indexOf('}')
    if (end < 0) throw new TemplateFault('a variable lacks its closing brace')
    const [name = '', ...pattern] = this.#rest.slice(1, end).split('=')
    const after = this.#rest.slice(end + 1)
    if (!NAME.test(name) || name.length > MAX_NAME_LENGTH) throw new TemplateFault(`${JSON.stringify(name)} is no name`)
    if (this.names.includes(name)) throw new TemplateFault(`${name} occurs twice`)
    if (this.names.length >= MAX_NAMES) throw new TemplateFault(`holds more than ${MAX_NAMES} variables`)
    this.names.push(name)
    const source = pattern.length === 0 ? this.#globSource(false) : this.#pattern(pattern.join('='))
    this.#rest = after
    return `(${source})`
  }

  #pattern(pattern: string): string {
    const segments = pattern.split('/')
    return segments
      .map(segment => {
        this.#rest = segment
        const source = segment[0] === '*' ? this.#glob() : this.#literal()
        if (this.#rest !== '') throw new TemplateFault(`${JSON.stringify(segment)} is neither glob nor literal`)
        return source
      })
      .join('/')
  }
}

const SPECIAL = /[$()+.]/g

function quoted(literal: string): string {
  return literal.replace(SPECIAL, '\\$&')
}

export function compileUriTemplate(template: string): Parsed<UriTemplate> | { readonly fault: string } {
  try {
    const reader = new TemplateReader(template)
    const regex = compileRegex(reader.read())
    return regex.ok ? { ok: true, value: { regex: regex.value, names: reader.names } } : regex
  } catch (error) {
    if (error instanceof TemplateFault) return { fault: error.message }
    throw error
  }
}

/** What stands in the place of a path that `matched` has matched. */
export function compileTemplateRewrite(
  rewrite: string,
  matched: UriTemplate,
): Parsed<RegexReplacement> | { readonly fault: string } {
  if (!rewrite.startsWith('/')) return { fault: 'must begin with a slash' }
  let substitution = ''
  for (const [index, piece] of rewrite.split(/[{}]/).entries()) {
    // Every other piece stood between braces.
    if (index % 2 === 1) {
      const group = matched.names.indexOf(piece)
      if (group < 0) return { fault: `${JSON.stringify(piece)} is no variable of the path that is matched` }
      substitution += `\\${group + 1}`
    } else if (piece !== '') {
      if (!REWRITE_LITERAL.test(piece)) return { fault: `${JSON.stringify(piece)} is no literal` }
      substitution += piece
    }
  }
  if (rewrite.split('{').length !== rewrite.split('}').length) return { fault: 'a variable lacks its closing brace' }
  const whole = compileRegex(`^(?:${matched.regex.source})$`)
  return whole.ok ? compileReplacement(whole.value, substitution) : whole
}
