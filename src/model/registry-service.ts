// A service as the registry knows it: a name, and the ports its instances answer on.

export interface RegistryServicePort {
  /** Lower case, unique in the service; its prefix names the protocol where `protocol` is absent (`http-admin`). */
  readonly name: string
  readonly number: number
  /** Number or name of the workload's port; absent: `number`. */
  readonly targetPort?: number | string
  /** Absent: what the name says, else HTTP. */
  readonly protocol?: string
}

export interface RegistryService {
  readonly name: string
  readonly namespace: string
  readonly description: string
  readonly version: string
  readonly labels: Readonly<Record<string, string>>
  readonly ports: readonly RegistryServicePort[]
}
