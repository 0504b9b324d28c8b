// A workload of a service that nobody has declared would be reached by nobody: then the registry is told of the service.
import type { ConfigEntry, ServicesAnswer } from '../client/api-answer.ts'
import type { ApiClient } from '../client/api-client.ts'
import type { WorkloadSpec } from '../launcher/workload-spec.ts'

export async function ensureService(api: ApiClient, spec: WorkloadSpec): Promise<void> {
  const query = new URLSearchParams({ kind: 'Service', namespace: spec.namespace, name: spec.service })
  const { objects } = await api.get<{ objects: readonly ConfigEntry[] }>(`/v1/config?${query}`)
  if (objects.length > 0) return
  const { services } = await api.get<ServicesAnswer>('/v1/services')
  if (services.some(service => service.name === spec.service && service.namespace === spec.namespace)) return
  await api.put(`/v1/services/${spec.namespace}/${spec.service}`, {
    name: spec.service,
    namespace: spec.namespace,
    description: '',
    version: '',
    labels: { app: spec.service },
    ports: spec.ports.map(port => ({ name: port.name, number: port.number })),
  })
}
