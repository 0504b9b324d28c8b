// Names, labels and selectors as Kubernetes validates them.
import type { ObjectReader } from './object-reader.ts'
import type { FieldPlace, ProblemSink } from './problem-sink.ts'

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const QUALIFIED_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/

export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && DNS_LABEL.test(text)
}

export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every(label => DNS_LABEL.test(label))
}

export function isLabelKey(key: string): boolean {
  const [prefix, name, ...rest] = key.includes('/') ? key.split('/') : [undefined, key]
  if (rest.length > 0 || (prefix !== undefined && !isDnsSubdomain(prefix))) return false
  return name !== undefined && name.length <= 63 && QUALIFIED_NAME.test(name)
}

export function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && QUALIFIED_NAME.test(value))
}

/** A map of labels, each checked. Wildcards in a selector get the same answer as in Istio: refused. */
export function readLabels(reader: ObjectReader, field: string): Readonly<Record<string, string>> {
  const labels = reader.stringMap(field)
  for (const [key, place] of reader.entries(field)) {
    checkLabelKey(key, place, reader.sink)
    const value = labels[key]
    if (value !== undefined && !isLabelValue(value))
      reader.sink.error(
        'WEFT-1008',
        place,
        `"${value}" is not a label value`,
        'letters, digits, - _ . and at most 63 of them',
      )
  }
  return labels
}

export function checkLabelKey(key: string, place: FieldPlace, sink: ProblemSink): void {
  if (!isLabelKey(key)) sink.error('WEFT-1008', place, `"${key.slice(0, 80)}" is not a label name`)
}

/** `selector: { <field>: {...} }`; null when there is no selector. */
export function readSelector(
  reader: ObjectReader,
  selector: string,
  field: 'labels' | 'matchLabels',
): Readonly<Record<string, string>> | null {
  const object = reader.object(selector)
  if (!object) return null
  const labels = readLabels(object, field)
  object.done()
  return labels
}

/** `exportTo`: `.`, `*` or namespaces; `*` and `.` stand alone. `.` is resolved to the object's namespace. */
export function readExportTo(reader: ObjectReader, namespace: string): readonly string[] {
  const entries = reader.stringList('exportTo')
  const seen = new Set<string>()
  for (const { value, place } of entries) {
    const resolved = value === '.' ? namespace : value
    if (value === '~') reader.sink.badValue(place, '"~" is for Services only', 'use "." to keep it in its namespace')
    else if (value !== '*' && !isDnsLabel(resolved))
      reader.sink.badValue(place, `"${value}" is not a namespace, "." or "*"`)
    if (seen.has(resolved)) reader.sink.badValue(place, `"${value}" is named twice`)
    seen.add(resolved)
  }
  if (seen.has('*') && seen.size > 1)
    reader.sink.contradiction(reader.place('exportTo'), '"*" cannot be combined with other namespaces')
  return [...seen]
}
