// apiVersion, kind and metadata of an object, validated as Kubernetes does.
import { checkLabelKey, isDnsLabel, isDnsSubdomain, readLabels } from './label-rules.ts'
import type { ObjectReader } from './object-reader.ts'

export interface Metadata {
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** What a cluster writes into metadata when it is read back. */
const SERVER_FIELDS = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
  'ownerReferences',
  'finalizers',
]
const MAX_ANNOTATIONS_LENGTH = 256 * 1024

export function readMetadata(root: ObjectReader, defaultNamespace: string, kind: string): Metadata {
  const reader = root.object('metadata')
  if (!reader) {
    if (!root.has('metadata')) root.missing('metadata')
    return { name: '', namespace: defaultNamespace, labels: {}, annotations: {} }
  }
  const name = reader.requiredString('name')
  // Services become DNS names; the others are DNS subdomains (RFC 1123).
  const nameIsGood = kind === 'Service' ? isDnsLabel(name) : isDnsSubdomain(name)
  if (name !== '' && !nameIsGood)
    reader.sink.error(
      'WEFT-1008',
      reader.place('name'),
      `"${name.slice(0, 80)}" is not a name`,
      'lower-case letters, digits and dashes',
    )
  const namespace = reader.string('namespace') ?? defaultNamespace
  if (!isDnsLabel(namespace))
    reader.sink.error('WEFT-1008', reader.place('namespace'), `"${namespace.slice(0, 80)}" is not a namespace`)
  reader.unsupported('generateName')
  const labels = readLabels(reader, 'labels')
  const annotations = reader.stringMap('annotations')
  let length = 0
  for (const [key, place] of reader.entries('annotations')) {
    checkLabelKey(key, place, reader.sink)
    length += key.length + (annotations[key]?.length ?? 0)
  }
  if (length > MAX_ANNOTATIONS_LENGTH)
    reader.sink.error(
      'WEFT-1010',
      reader.place('annotations'),
      `longer than ${MAX_ANNOTATIONS_LENGTH} characters in all`,
    )
  reader.ignore(...SERVER_FIELDS)
  reader.done()
  return { name, namespace, labels, annotations }
}
