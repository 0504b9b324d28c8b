// The kinds of Kubernetes that are read, and what to say of those that are not.
import type { KindDefinition } from '../document/kind-definition.ts'
import { SERVICE } from './service/service.ts'

export const KUBERNETES_KINDS: readonly KindDefinition[] = [SERVICE]

const WORKLOAD_HINT =
  'workloads are started by weft.yaml or weft run, with their labels and serviceAccount; keep the Service'

/** Kinds that occur beside a mesh's config in published manifests, each with what to do instead. */
export const KUBERNETES_HINTS: Readonly<Record<string, string>> = {
  Deployment: WORKLOAD_HINT,
  StatefulSet: WORKLOAD_HINT,
  DaemonSet: WORKLOAD_HINT,
  ReplicaSet: WORKLOAD_HINT,
  Pod: WORKLOAD_HINT,
  Job: WORKLOAD_HINT,
  CronJob: WORKLOAD_HINT,
  ServiceAccount: 'a workload names its service account in weft.yaml (serviceAccount); the object is not needed',
  Namespace: 'namespaces need no declaration',
  ConfigMap: 'give it to the application by file or environment',
  Secret: 'give it to the application by file or environment, and to a gateway as a folder of its certificates',
  Ingress: 'use a Gateway and a VirtualService',
  Endpoints: 'use a ServiceEntry with endpoints',
  EndpointSlice: 'use a ServiceEntry with endpoints',
  NetworkPolicy: 'it has no counterpart without Kubernetes',
  HorizontalPodAutoscaler: 'it has no counterpart without Kubernetes',
}
