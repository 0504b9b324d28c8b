// Everything that one proxy is told, as xDS messages that remember what caused them.
import type { Message } from '@bufbuild/protobuf'
import type { Origin } from './origin.ts'

export interface XdsResource<M extends Message = Message> {
  readonly name: string
  readonly message: M
  readonly origins: readonly Origin[]
}

/** Resources equal for several proxies are the same object, so that an encoding can be kept by identity. */
export interface ProxyResources {
  readonly listeners: readonly XdsResource[]
  readonly routes: readonly XdsResource[]
  readonly clusters: readonly XdsResource[]
  readonly endpoints: readonly XdsResource[]
}
