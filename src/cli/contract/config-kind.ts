// The kinds of config under the names that people type: singular, plural, and kubectl's short ones.
import { CONFIG_KINDS, type ConfigKind } from '../../model/config-object.ts'
import { CommandFailure } from './command-failure.ts'
import { EXIT } from './exit-code.ts'

const SHORT: Readonly<Record<string, ConfigKind>> = {
  svc: 'Service',
  vs: 'VirtualService',
  dr: 'DestinationRule',
  gw: 'Gateway',
  se: 'ServiceEntry',
  we: 'WorkloadEntry',
  wg: 'WorkloadGroup',
  pa: 'PeerAuthentication',
  rl: 'RateLimit',
  ro: 'Rollout',
}

/** Undefined when `text` is the name of no kind. */
export function findConfigKind(text: string): ConfigKind | undefined {
  const name = text.toLowerCase().split('.')[0] ?? ''
  return SHORT[name] ?? CONFIG_KINDS.find(kind => name === kind.toLowerCase() || name === plural(kind))
}

export function parseConfigKind(text: string): ConfigKind {
  const kind = findConfigKind(text)
  if (kind !== undefined) return kind
  const known = CONFIG_KINDS.map(each => plural(each)).join(', ')
  throw new CommandFailure(`"${text}" is no kind of config; there are ${known}`, EXIT.usage)
}

function plural(kind: ConfigKind): string {
  const name = kind.toLowerCase()
  return name.endsWith('ry') ? `${name.slice(0, -1)}ies` : `${name}s`
}
