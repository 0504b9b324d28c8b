// Text to config objects: every problem of every document at once.
import type { Problem } from '../base/problem.ts'
import type { ConfigObject } from '../model/config-object.ts'
import type { SourceText } from '../model/source-text.ts'

export interface ParsedConfig {
  /** Those without an error. */
  readonly objects: readonly ConfigObject[]
  readonly problems: readonly Problem[]
}

/** Never throws. `defaultNamespace` is for objects that name none. */
export function parseConfig(
  _sources: readonly SourceText[],
  _options: { readonly defaultNamespace: string },
): ParsedConfig {
  return { objects: [], problems: [] }
}
