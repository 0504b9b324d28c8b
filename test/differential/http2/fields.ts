// HTTP/2 fields as Node hands them over, and back.
import type { Field } from '../message.ts'

/** Pseudo-fields apart. */
export function pairs(raw: readonly string[]): { readonly own: readonly Field[]; readonly fields: readonly Field[] } {
  const all: Field[] = []
  for (let i = 0; i < raw.length; i += 2) all.push([raw[i]!, raw[i + 1]!])
  return { own: all.filter(([name]) => name.startsWith(':')), fields: all.filter(([name]) => !name.startsWith(':')) }
}

export function pseudo(own: readonly Field[], name: string): string {
  return own.find(([field]) => field === name)?.[1] ?? ''
}

export function flat(fields: readonly Field[]): string[] {
  return fields.flat()
}
