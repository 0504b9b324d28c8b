// A proxy's /config_dump, in Envoy's shape: from a Weft proxy, a real Envoy, or a saved file.
import { CommandFailure } from '../contract/command-failure.ts'
import { EXIT } from '../contract/exit-code.ts'

/** JSON whose shape is another program's: read field by field, never believed. */
export type Json = { readonly [key: string]: unknown }

export interface ConfigDump {
  readonly clusters: readonly Json[]
  readonly listeners: readonly Json[]
  readonly routes: readonly Json[]
  readonly endpoints: readonly Json[]
  /** Entries of the secrets dump, each with its `name` and `secret`. */
  readonly secrets: readonly Json[]
}

export function parseJson(text: string, from: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Said below.
  }
  throw new CommandFailure(`${from} is no JSON object`, EXIT.failure)
}

export function parseConfigDump(text: string, from: string): ConfigDump {
  const configs = list(parseJson(text, from), 'configs')
  if (configs.length === 0) throw new CommandFailure(`${from} is no config dump: it has no "configs"`)
  const section = (type: string): Json => configs.find(each => String(each['@type']).endsWith(`.${type}`)) ?? {}
  const clusters = section('ClustersConfigDump')
  const listeners = section('ListenersConfigDump')
  const routes = section('RoutesConfigDump')
  const endpoints = section('EndpointsConfigDump')
  const secrets = section('SecretsConfigDump')
  return {
    clusters: inner([...list(clusters, 'static_clusters'), ...list(clusters, 'dynamic_active_clusters')], 'cluster'),
    listeners: inner(
      [
        ...list(listeners, 'static_listeners'),
        ...list(listeners, 'dynamic_listeners').map(each => object(each, 'active_state')),
      ],
      'listener',
    ),
    routes: inner([...list(routes, 'static_route_configs'), ...list(routes, 'dynamic_route_configs')], 'route_config'),
    endpoints: inner(
      [...list(endpoints, 'static_endpoint_configs'), ...list(endpoints, 'dynamic_endpoint_configs')],
      'endpoint_config',
    ),
    secrets: [...list(secrets, 'static_secrets'), ...list(secrets, 'dynamic_active_secrets')],
  }
}

export function object(of: Json | undefined, field: string): Json {
  const value = of?.[field]
  return isObject(value) ? value : {}
}

export function list(of: Json | undefined, field: string): Json[] {
  const value = of?.[field]
  return Array.isArray(value) ? value.filter(isObject) : []
}

export function strings(of: Json | undefined, field: string): string[] {
  const value = of?.[field]
  return Array.isArray(value) ? value.map(String) : []
}

/** Empty where there is none. */
export function string(of: Json | undefined, field: string): string {
  const value = of?.[field]
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

/** `reviews.default`, of `/apis/networking.istio.io/v1alpha3/namespaces/default/virtual-service/reviews`. */
export function configOrigin(of: Json): string {
  const config = string(object(object(object(of, 'metadata'), 'filter_metadata'), 'istio'), 'config')
  const match = /\/namespaces\/([^/]+)\/[^/]+\/([^/]+)$/.exec(config)
  return match === null ? '' : `${match[2]}.${match[1]}`
}

function inner(entries: readonly Json[], field: string): Json[] {
  return entries.map(entry => object(entry, field)).filter(each => Object.keys(each).length > 0)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
