// What a command operator is once it is compiled: a function of the stream.
import type { StreamInfo } from '../../stream-info.ts'
import type { MetadataValue } from '../../stream-metadata.ts'

/** Texts as the wire has them (one character for each byte); null where there is nothing to say. */
export type Operator = (info: StreamInfo) => MetadataValue

export type CompiledOperator = { readonly run: Operator } | { readonly fault: string }

/** Of those with something between parentheses; null: without them. */
export type OperatorFactory = (argument: string | null, name: string) => CompiledOperator

export function orNull(text: string): string | null {
  return text === '' ? null : text
}
