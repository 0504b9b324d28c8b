// Where a bootstrap names a file or an environment variable, its content stands in the message that is put to use.
import type { MessageVisitor } from './message-reader.ts'
import type { Refuse } from './static-references.ts'

export interface DataSourceReader {
  /** Throws the system's error. */
  readFile(path: string): Buffer
  environmentVariable(name: string): string | undefined
}

export const DATA_SOURCE = 'envoy.config.core.v3.DataSource'

/** As in Envoy, certificates, keys, bodies and formats may all come from elsewhere. */
export function inlineDataSources(reader: DataSourceReader, refuse: Refuse): MessageVisitor {
  return (source, path) => {
    const { filename, environment_variable: variable, watched_directory: watched, ...rest } = source
    if (watched !== undefined) refuse(`${path}.watched_directory`, 'is not supported: files are read once', 'WEFT-4001')
    if (typeof filename === 'string') {
      try {
        return { ...rest, inline_bytes: reader.readFile(filename).toString('base64') }
      } catch (error) {
        refuse(`${path}.filename`, `cannot be read: ${(error as Error).message}`)
        return { ...rest, inline_bytes: '' }
      }
    }
    if (typeof variable !== 'string') return source
    const value = reader.environmentVariable(variable)
    if (value === undefined) refuse(`${path}.environment_variable`, `the variable ${variable} is not set`)
    return { ...rest, inline_string: value ?? '' }
  }
}
