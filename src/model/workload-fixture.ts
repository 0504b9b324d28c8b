// A workload with nothing special about it, for tests to vary.
import { NO_LOCALITY } from './locality.ts'
import type { Workload } from './workload.ts'

export const WORKLOAD: Workload = {
  name: 'w',
  namespace: 'default',
  service: '',
  version: '',
  description: '',
  labels: {},
  serviceAccount: 'default',
  address: '127.0.0.1',
  applicationAddress: '127.0.0.1',
  ports: [],
  locality: NO_LOCALITY,
  weight: 1,
  tlsMode: 'istio',
  proxy: null,
  healthy: true,
}
