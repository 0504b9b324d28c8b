// What both tables of a decoder hold: a field whose characters were looked at once, however often it is sent again.
import { type FieldName, fieldName, hashByte } from '../../http/field-name.ts'
import { pseudoHeader } from './pseudo-header.ts'
import { ENTRY_OVERHEAD, STATIC_FIELDS } from './static-table.ts'

export class TableEntry {
  readonly name: FieldName
  readonly value: string
  /** False: the value has characters that no field value may have. */
  readonly isValid: boolean
  /** RFC 7541 4.1. */
  readonly size: number

  constructor(name: FieldName, value: string, isValid: boolean, size: number) {
    this.name = name
    this.value = value
    this.isValid = isValid
    this.size = size
  }
}

/** Entry 1 of RFC 7541 appendix A stands at 1. */
export const STATIC_TABLE: readonly TableEntry[] = makeTable()

function makeTable(): TableEntry[] {
  const unused = new TableEntry({ name: '', bit: 0 }, '', false, 0)
  const entries = STATIC_FIELDS.map(([name, value]) => {
    return new TableEntry(nameOf(name), value, true, name.length + value.length + ENTRY_OVERHEAD)
  })
  entries.unshift(unused)
  return entries
}

function nameOf(text: string): FieldName {
  if (text.startsWith(':')) return pseudoHeader(text)
  const bytes = Buffer.from(text, 'latin1')
  let hash = 0
  for (const byte of bytes) hash = hashByte(hash, byte)
  return fieldName(bytes, 0, bytes.length, hash)
}
