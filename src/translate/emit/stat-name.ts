// Under which name a cluster is counted, where the mesh says so.
import type { MeshService, MeshServicePort } from '../link/mesh-service.ts'

/** Istio's placeholders filled in; `targetPort` is 0 for clients, who do not know it (Istio). Empty: the cluster's own name. */
export function statName(
  pattern: string,
  service: MeshService,
  port: MeshServicePort,
  subset: string,
  targetPort: number,
): string {
  // Only what is a Service has a name shorter than its host.
  const isEntry = service.origins[0]?.kind === 'ServiceEntry'
  const values: Readonly<Record<string, string>> = {
    SERVICE: isEntry ? service.host : `${service.name}.${service.namespace}`,
    SERVICE_NAME: isEntry ? service.host : service.name,
    SERVICE_FQDN: service.host,
    SERVICE_PORT: String(port.number),
    SERVICE_PORT_NAME: port.name,
    SUBSET_NAME: subset,
    TARGET_PORT: String(targetPort),
  }
  return pattern.replaceAll(/%(\w+)%/g, (_, part: string) => values[part] ?? '')
}
