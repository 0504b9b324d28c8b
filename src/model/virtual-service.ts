// Istio's VirtualService, as far as it is honoured: HTTP routes for hosts.
import type { SourcePosition } from '../base/problem.ts'
import type { HttpRoute } from './http-route.ts'

export interface VirtualService {
  /** As written; short names are of the object's namespace. None: others delegate to it. */
  readonly hosts: readonly HostReference[]
  /** `mesh`, `name` or `namespace/name`; `[mesh]` where none was given. */
  readonly gateways: readonly HostReference[]
  readonly http: readonly HttpRoute[]
  /** Empty: the mesh's default, everywhere. */
  readonly exportTo: readonly string[]
}

export interface HostReference {
  readonly value: string
  readonly position: SourcePosition
}
