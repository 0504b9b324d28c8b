// A server of a Gateway, with the object it belongs to.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { GatewayServer } from '../../model/gateway.ts'

export interface BoundServer {
  readonly gateway: ConfigObjectOf<'Gateway'>
  readonly server: GatewayServer
}
