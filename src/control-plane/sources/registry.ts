// The sources of config besides the API: one folder each.
import { DirectorySource, type DirectorySourceParts } from './directory/directory-source.ts'

/** What the control plane asks of any source. */
export interface ConfigSourceProcess {
  readonly state: DirectorySource['state']
  start(): void
  /** Something else has changed that its content may have been refused for. */
  retry(): void
  close(): void
}

export const CONFIG_SOURCES = {
  directory: (parts: DirectorySourceParts): ConfigSourceProcess => new DirectorySource(parts),
} as const
