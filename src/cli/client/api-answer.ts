// What the REST API answers, as far as the command line reads it.
import type { Problem } from '../../base/problem.ts'
import type { ProxyProcessConfig } from '../../model/proxy-config.ts'
import type { RegistryService } from '../../model/registry-service.ts'
import type { Workload } from '../../model/workload.ts'

export interface MeshAnswer {
  readonly version: string
  readonly trustDomain: string
  readonly revision: number
  readonly api: string
  readonly xds: string
  readonly join: string
  readonly pid: number
  readonly startedAt: string
  readonly trustBundle: string
  readonly proxies: ProxyProcessConfig
}

export interface ConfigEntry {
  readonly kind: string
  readonly apiVersion: string
  readonly namespace: string
  readonly name: string
  readonly revision: number
  readonly source: string
  readonly file: string
  readonly updatedAt: string
  readonly text: string
}

export interface ConfigChange {
  readonly action: 'created' | 'configured' | 'unchanged' | 'deleted'
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

export interface ApplyAnswer {
  readonly revision: number
  readonly changes: readonly ConfigChange[]
  readonly problems?: readonly Problem[]
}

export interface RevisionEntry {
  readonly revision: number
  readonly at: string
  readonly source: string
  readonly message: string
  readonly changes: readonly ConfigChange[]
}

export interface PropagationAnswer {
  readonly revision: number
  readonly done: boolean
  readonly proxies: readonly {
    readonly id: string
    readonly name: string
    readonly namespace: string
    readonly state: 'acked' | 'pending' | 'nacked'
    readonly detail?: string
  }[]
}

export interface ProxyTypeStatus {
  readonly state: 'SYNCED' | 'STALE' | 'NOT SENT' | 'ERROR'
  readonly version?: string
  readonly nonce?: string
  readonly at?: string
  readonly error?: string
}

export interface ProxyStatus {
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly kind: string
  readonly version: string
  readonly connectedAt: string
  readonly types: Readonly<Record<string, ProxyTypeStatus>>
}

export interface ServicesAnswer {
  readonly services: readonly RegistryService[]
}

export interface InstancesAnswer {
  readonly instances: readonly Workload[]
}

export interface RolloutFigures {
  readonly requests: number
  readonly failed: number
  /** Both only where latency is looked at. */
  readonly timed?: number
  readonly slow?: number
}

export interface RolloutAnswer {
  readonly namespace: string
  readonly name: string
  readonly host: string
  readonly stable: string
  readonly canary: string
  readonly version: string
  readonly phase: 'waiting' | 'progressing' | 'promoted' | 'rolled-back'
  readonly canaryWeight: number
  readonly reason: string
  readonly step: {
    readonly index: number
    readonly of: number
    readonly heldMs: number
    readonly holdMs: number
  }
  readonly lastInterval: { readonly stable: RolloutFigures; readonly canary: RolloutFigures } | null
  readonly events: readonly {
    readonly at: string
    readonly phase: string
    readonly weight: number
    readonly reason: string
  }[]
}

export interface RolloutsAnswer {
  readonly rollouts: readonly RolloutAnswer[]
}
