// A static bootstrap, put into force: its resources go the way of those that xDS delivers, and are checked as those are.
import { create } from '@bufbuild/protobuf'
import type { Problem } from '../base/problem.ts'
import { DUAL_STACK } from '../transport/net/network.ts'
import { unpackAny } from '../xds/any-pack.ts'
import {
  AdminSchema,
  type Bootstrap,
  BootstrapSchema,
  type Bootstrap_StaticResources as StaticResources,
} from '../xds/generated/envoy/config/bootstrap/v3/bootstrap_pb.ts'
import { type Node, NodeSchema } from '../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { Listener } from '../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { InternalListenerSchema } from '../xds/generated/envoy/extensions/bootstrap/internal_listener/v3/internal_listener_pb.ts'
import { ResourceCheck } from '../xds/resource-check.ts'
import type { ResourceMessage } from '../xds/resource-message.ts'
import type { ResourceType } from '../xds/type-url.ts'
import { compileOverload, type OverloadConfig } from './overload/overload-config.ts'
import type { Proxy } from './proxy.ts'
import { readSocketAddress } from './socket-address.ts'

export interface StaticConfig {
  readonly node: Node
  /** Null: no admin port, as in Envoy. */
  readonly admin: { readonly host: string; readonly port: number } | null
  /** Downstream, of the whole proxy; undefined: not set. */
  readonly maxConnections: number | undefined
  /** Undefined: nothing is watched. */
  readonly overload: OverloadConfig | undefined
}

// Taken without effect: stats_flush_interval (there are no sinks to flush to), enable_dispatcher_stats (there is no
// dispatcher), stats_server_version_override is refused.
const FIELDS = new Set([
  'node',
  'static_resources',
  'admin',
  'overload_manager',
  'bootstrap_extensions',
  'stats_flush_interval',
  'enable_dispatcher_stats',
])

/** What concerns the process; problems' paths begin at the bootstrap. */
export function compileBootstrap(bootstrap: Bootstrap): StaticConfig & { readonly problems: readonly Problem[] } {
  const check = new ResourceCheck('')
  check.honour(BootstrapSchema, bootstrap, '', FIELDS)
  const admin = readAdmin(bootstrap, check)
  readExtensions(bootstrap, check)
  const limits = compileOverload(bootstrap.overloadManager, check)
  return { node: bootstrap.node ?? create(NodeSchema), admin, ...limits, problems: nameless(check.problems) }
}

/** That of internal listeners, which Envoy has only then; they are always there. */
function readExtensions({ bootstrapExtensions: extensions }: Bootstrap, check: ResourceCheck): void {
  for (const [index, { name, typedConfig }] of extensions.entries()) {
    const path = `bootstrap_extensions[${index}]`
    const internal = unpackAny(typedConfig, InternalListenerSchema)
    if (internal) check.honour(InternalListenerSchema, internal, `${path}.typed_config`, new Set())
    else check.unsupported(path, `bootstrap extension ${name} is not supported`)
  }
}

function readAdmin(bootstrap: Bootstrap, check: ResourceCheck): StaticConfig['admin'] {
  const { admin } = bootstrap
  if (admin === undefined) return null
  check.honour(AdminSchema, admin, 'admin', new Set(['address']))
  if (admin.address === undefined) return null
  const place = readSocketAddress(admin.address, 'admin.address', check)
  if (place === null) return null
  return { host: place.ipv4Compat && place.address === '::' ? DUAL_STACK : place.address, port: place.port }
}

/** Takes every resource that is good; problems' paths begin at the bootstrap. */
export function applyStaticResources(proxy: Proxy, resources: StaticResources | undefined): readonly Problem[] {
  if (resources === undefined) return []
  for (const listener of resources.listeners) nameListener(listener)
  return [
    ...apply(proxy, 'secret', resources.secrets, 'static_resources.secrets'),
    ...apply(proxy, 'cluster', resources.clusters, 'static_resources.clusters'),
    ...apply(proxy, 'listener', resources.listeners, 'static_resources.listeners'),
  ]
}

function apply(
  proxy: Proxy,
  type: ResourceType,
  messages: readonly Extract<ResourceMessage, { name: string }>[],
  path: string,
): Problem[] {
  const names = new Set<string>()
  const problems: Problem[] = []
  for (const [index, message] of messages.entries()) {
    const at = `${path}[${index}]`
    if (names.has(message.name)) {
      const text = `${message.name} is the name of an earlier ${type}`
      problems.push({ code: 'WEFT-4002', severity: 'error', path: `${at}.name`, message: text })
    } else {
      const found = nameless(proxy.apply(type, [message]))
      problems.push(...found.map(problem => ({ ...problem, path: problem.path ? `${at}.${problem.path}` : at })))
    }
    names.add(message.name)
  }
  return problems
}

/** Envoy gives a static listener without a name one of its own making. */
function nameListener(listener: Listener): void {
  if (listener.name !== '' || listener.address === undefined) return
  const { address } = listener.address
  if (address.case === 'socketAddress' && address.value.portSpecifier.case === 'portValue')
    listener.name = `${address.value.address}_${address.value.portSpecifier.value}`
}

/** The path from the bootstrap's root says which resource it is. */
function nameless(problems: readonly Problem[]): Problem[] {
  return problems.map(({ object: _, ...problem }) => problem)
}
