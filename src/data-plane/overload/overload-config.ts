// Envoy's OverloadManager of a bootstrap, compiled: which resources are watched, and what is done when one runs short.
import { unpackAny } from '../../xds/any-pack.ts'
import {
  type OverloadAction,
  OverloadActionSchema,
  type OverloadManager,
  OverloadManagerSchema,
  type ResourceMonitor,
  TriggerSchema,
} from '../../xds/generated/envoy/config/overload/v3/overload_pb.ts'
import { DownstreamConnectionsConfigSchema } from '../../xds/generated/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.ts'
import { FixedHeapConfigSchema } from '../../xds/generated/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'

export type OverloadActionName = 'stopAcceptingRequests' | 'disableHttpKeepalive' | 'rejectIncomingConnections'

/** Plain data: worker threads get a copy. */
export interface OverloadConfig {
  readonly refreshMs: number
  /** Resident bytes that count as all there is. */
  readonly maxHeapBytes: number
  /** The share of it from which an action is taken; Infinity: never. */
  readonly thresholds: Readonly<Record<OverloadActionName, number>>
}

const ACTIONS: Readonly<Record<string, OverloadActionName>> = {
  'envoy.overload_actions.stop_accepting_requests': 'stopAcceptingRequests',
  'envoy.overload_actions.disable_http_keepalive': 'disableHttpKeepalive',
  'envoy.overload_actions.reject_incoming_connections': 'rejectIncomingConnections',
}
const FIXED_HEAP = 'envoy.resource_monitors.fixed_heap'
const DEFAULT_REFRESH_MS = 1000

/** `maxConnections`: of the monitor that counts connections; beyond its limit a new one is closed at once. */
export function compileOverload(
  message: OverloadManager | undefined,
  check: ResourceCheck,
): { readonly overload: OverloadConfig | undefined; readonly maxConnections: number | undefined } {
  if (message === undefined) return { overload: undefined, maxConnections: undefined }
  const fields = new Set(['refresh_interval', 'resource_monitors', 'actions'])
  check.honour(OverloadManagerSchema, message, 'overload_manager', fields)
  let maxHeapBytes: number | undefined
  let maxConnections: number | undefined
  for (const [index, monitor] of message.resourceMonitors.entries()) {
    const at = `overload_manager.resource_monitors[${index}]`
    const limit = readMonitor(monitor, at, check)
    if (limit?.kind === 'heap') maxHeapBytes = limit.value
    else if (limit?.kind === 'connections') maxConnections = limit.value
  }
  const thresholds: Record<OverloadActionName, number> = {
    stopAcceptingRequests: Number.POSITIVE_INFINITY,
    disableHttpKeepalive: Number.POSITIVE_INFINITY,
    rejectIncomingConnections: Number.POSITIVE_INFINITY,
  }
  const seen = new Set<OverloadActionName>()
  for (const [index, action] of message.actions.entries()) {
    const at = `overload_manager.actions[${index}]`
    const name = ACTIONS[action.name]
    if (name === undefined) check.unsupported(`${at}.name`, `the overload action ${action.name} is not supported`)
    else if (seen.has(name))
      check.error(`${at}.name`, `${action.name} is configured twice: give one action all triggers`)
    else thresholds[name] = readThreshold(action, maxHeapBytes !== undefined, at, check)
    if (name !== undefined) seen.add(name)
  }
  const refreshMs = durationMs(message.refreshInterval, DEFAULT_REFRESH_MS)
  const overload = maxHeapBytes === undefined ? undefined : { refreshMs, maxHeapBytes, thresholds }
  return { overload, maxConnections }
}

function readMonitor(
  monitor: ResourceMonitor,
  at: string,
  check: ResourceCheck,
): { readonly kind: 'heap' | 'connections'; readonly value: number } | null {
  const typedConfig = monitor.configType.case === 'typedConfig' ? monitor.configType.value : undefined
  const connections = unpackAny(typedConfig, DownstreamConnectionsConfigSchema)
  if (connections !== null) {
    const value = Number(connections.maxActiveDownstreamConnections)
    if (value <= 0) check.error(`${at}.typed_config.max_active_downstream_connections`, 'must be above 0')
    return { kind: 'connections', value }
  }
  const heap = unpackAny(typedConfig, FixedHeapConfigSchema)
  if (heap !== null) {
    const value = Number(heap.maxHeapSizeBytes)
    if (value <= 0) check.error(`${at}.typed_config.max_heap_size_bytes`, 'must be above 0')
    return { kind: 'heap', value }
  }
  check.unsupported(at, `the resource monitor ${monitor.name} is not supported`)
  return null
}

/** Several triggers of one action: the first that is reached takes it. */
function readThreshold(action: OverloadAction, hasHeap: boolean, at: string, check: ResourceCheck): number {
  check.honour(OverloadActionSchema, action, at, new Set(['name', 'triggers']))
  if (action.triggers.length === 0) check.error(`${at}.triggers`, 'must not be empty')
  let lowest = Number.POSITIVE_INFINITY
  for (const [index, trigger] of action.triggers.entries()) {
    const path = `${at}.triggers[${index}]`
    check.honour(TriggerSchema, trigger, path, new Set(['name', 'threshold']))
    if (trigger.name !== FIXED_HEAP) check.unsupported(`${path}.name`, `only ${FIXED_HEAP} can trigger an action`)
    else if (!hasHeap) check.error(`${path}.name`, `there is no resource monitor ${FIXED_HEAP}`)
    if (trigger.triggerOneof.case === 'threshold') {
      const { value } = trigger.triggerOneof.value
      if (!(value >= 0 && value <= 1)) check.error(`${path}.threshold.value`, 'must be from 0 to 1')
      lowest = Math.min(lowest, value)
    } else if (trigger.triggerOneof.case === undefined) check.error(`${path}.threshold`, 'is required')
  }
  return lowest
}
