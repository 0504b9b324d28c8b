// What a DataSource holds in itself: files and environment variables are read before a bootstrap is compiled.
import type { DataSource } from './generated/envoy/config/core/v3/base_pb.ts'
import type { ResourceCheck } from './resource-check.ts'

/** Null where there is nothing. */
export function inlineData(source: DataSource | undefined, path: string, check: ResourceCheck): Buffer | null {
  const specifier = source?.specifier
  if (specifier?.case === 'inlineString') return Buffer.from(specifier.value, 'utf8')
  if (specifier?.case === 'inlineBytes') return Buffer.from(specifier.value)
  if (specifier?.case !== undefined)
    check.unsupported(`${path}.${specifier.case}`, 'only inline_string and inline_bytes are supported')
  return null
}
