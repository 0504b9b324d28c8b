// Istio's VirtualService, as far as it is honoured: routes for hosts, by what their ports speak.
import type { SourcePosition } from '../base/problem.ts'
import type { HttpRoute } from './http-route.ts'
import type { L4Route } from './l4-route.ts'

export interface VirtualService {
  /** As written; short names are of the object's namespace. None: others delegate to it. */
  readonly hosts: readonly HostReference[]
  /** `mesh`, `name` or `namespace/name`; `[mesh]` where none was given. */
  readonly gateways: readonly HostReference[]
  readonly http: readonly HttpRoute[]
  /** For TLS that is not ended here. */
  readonly tls: readonly L4Route[]
  /** For all other bytes. */
  readonly tcp: readonly L4Route[]
  /** Empty: the mesh's default, everywhere. */
  readonly exportTo: readonly string[]
}

export interface HostReference {
  readonly value: string
  readonly position: SourcePosition
}
