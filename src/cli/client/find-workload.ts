// The workload that a person means: its name, or a beginning of it that only one workload has (`reviews-v2`).
import type { Workload } from '../../model/workload.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import type { ApiClient } from './api-client.ts'

export interface WorkloadName {
  readonly name: string
  readonly namespace: string
}

/** Throws CommandFailure when none is meant, or several are. */
export function chooseWorkload<W extends WorkloadName>(workloads: readonly W[], wanted: WorkloadName): W {
  const near = workloads.filter(({ namespace }) => namespace === wanted.namespace)
  const exact = near.find(({ name }) => name === wanted.name)
  if (exact !== undefined) return exact
  const begun = near.filter(({ name }) => name.startsWith(`${wanted.name}-`))
  if (begun.length === 1) return begun[0]!
  if (begun.length > 1)
    throw new CommandFailure(`"${wanted.name}" is one of ${begun.map(({ name }) => name).join(', ')}: say which`)
  throw new CommandFailure(
    `no workload "${wanted.name}" in namespace ${wanted.namespace}; "weft get instances -A" lists them`,
  )
}

export async function findWorkload(api: ApiClient, wanted: WorkloadName): Promise<Workload> {
  const { instances } = await api.get<{ readonly instances: readonly Workload[] }>('/v1/instances')
  return chooseWorkload(instances, wanted)
}
