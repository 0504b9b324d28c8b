// Istio's WorkloadGroup (networking.istio.io): the template of instances that register themselves.

import { NO_LOCALITY } from '../../../model/locality.ts'
import type { WorkloadGroup, WorkloadTemplate } from '../../../model/workload-group.ts'
import type { KindDefinition } from '../../document/kind-definition.ts'
import { checkLabelKey, readLabels } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readWorkloadTemplate } from '../contract/workload-entry-fields.ts'
import { readProbe } from './probe.ts'

export const WORKLOAD_GROUP: KindDefinition<'WorkloadGroup'> = {
  kind: 'WorkloadGroup',
  apiVersions: ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'],
  parseSpec,
}

function parseSpec(spec: ObjectReader): WorkloadGroup {
  const labels = readMetadata(spec.object('metadata'))
  const template = readTemplate(spec)
  const probe = spec.object('probe')
  const group = { labels: { ...template.labels, ...labels }, template, probe: probe ? readProbe(probe) : null }
  spec.done()
  return group
}

/** Of the instances. Nothing looks at their annotations, as nothing here looks at those of a WorkloadEntry. */
function readMetadata(metadata: ObjectReader | undefined): WorkloadGroup['labels'] {
  if (!metadata) return {}
  const labels = readLabels(metadata, 'labels')
  metadata.stringMap('annotations')
  for (const [key, place] of metadata.entries('annotations')) checkLabelKey(key, place, metadata.sink)
  metadata.done()
  return labels
}

function readTemplate(spec: ObjectReader): WorkloadTemplate {
  const reader = spec.object('template')
  if (!reader) {
    if (!spec.has('template')) spec.missing('template')
    return {
      ports: {},
      labels: {},
      network: '',
      locality: NO_LOCALITY,
      weight: 1,
      serviceAccount: '',
      position: spec.position,
    }
  }
  if (reader.has('address'))
    reader.sink.contradiction(reader.place('address'), 'an instance brings its own address: a template has none')
  const template = readWorkloadTemplate(reader)
  reader.done()
  return template
}
