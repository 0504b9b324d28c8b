// Istio's WorkloadEntry (networking.istio.io): an endpoint that ServiceEntries and Services select by label.
import type { KindDefinition } from '../../document/kind-definition.ts'
import { readWorkloadEntry } from '../contract/workload-entry-fields.ts'

export const WORKLOAD_ENTRY: KindDefinition<'WorkloadEntry'> = {
  kind: 'WorkloadEntry',
  apiVersions: ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'],
  parseSpec: readWorkloadEntry,
}
