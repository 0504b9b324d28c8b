// The WorkloadGroup of a running mesh that `weft run --group` names.
import { parseConfig } from '../../translate/parse-config.ts'
import type { ConfigEntry } from '../client/api-answer.ts'
import type { ApiClient } from '../client/api-client.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { findGroup, type WorkloadGroupObject } from '../launcher/group-parts.ts'

export async function groupInMesh(api: ApiClient, namespace: string, name: string): Promise<WorkloadGroupObject> {
  const query = new URLSearchParams({ kind: 'WorkloadGroup', namespace, name })
  const { objects } = await api.get<{ objects: readonly ConfigEntry[] }>(`/v1/config?${query}`)
  const sources = objects.map(({ text }) => ({ file: 'WorkloadGroup', text }))
  const group = findGroup(parseConfig(sources, { defaultNamespace: namespace }).objects, namespace, name)
  if (!group)
    throw new CommandFailure(`there is no WorkloadGroup ${namespace}/${name}; "weft get workloadgroups" lists them`)
  return group
}
