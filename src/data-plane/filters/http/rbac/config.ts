// The config of rbac, compiled once for a listener, or for a route that overrides it.
import type { Any } from '@bufbuild/protobuf/wkt'
import { toByteString } from '../../../../automata/regex.ts'
import type { Parsed } from '../../../../base/problem.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import {
  RBAC_Action as Action,
  type Policy as PolicyMessage,
  PolicySchema,
  type RBAC as Rules,
  RBACSchema as RulesSchema,
} from '../../../../xds/generated/envoy/config/rbac/v3/rbac_pb.ts'
import {
  type RBAC,
  RBACPerRouteSchema,
  RBACSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import { failure } from '../../../http/local-reply.ts'
import type { Counter, StatsScope } from '../../../stats/stats-scope.ts'
import { compilePermissions, compilePrincipals } from './compile-rule.ts'
import { Engine, type Policy, type RbacAction } from './engine.ts'
import { enforcedKeys, type MetadataKeys, shadowKeys } from './metadata-keys.ts'
import { prefixedScope, type RbacStats, rbacStats } from './rbac-stats.ts'
import { OrRule } from './rule.ts'

/** What a route says: an engine that is null judges nobody; keys that are null are the listener's (Envoy). */
export class RbacRules {
  readonly enforced: Engine | null
  readonly shadow: Engine | null
  readonly enforcedKeys: MetadataKeys | null
  readonly shadowKeys: MetadataKeys | null

  constructor(
    enforced: Engine | null,
    shadow: Engine | null,
    ownEnforcedKeys: MetadataKeys | null,
    ownShadowKeys: MetadataKeys | null,
  ) {
    this.enforced = enforced
    this.shadow = shadow
    this.enforcedKeys = ownEnforcedKeys
    this.shadowKeys = ownShadowKeys
  }
}

export interface RbacConfig {
  readonly rules: RbacRules
  /** Of all routes that bring none. */
  readonly enforcedKeys: MetadataKeys
  readonly shadowKeys: MetadataKeys
  readonly stats: RbacStats
}

const FIELDS = new Set([
  'rules',
  'rules_stat_prefix',
  'shadow_rules',
  'shadow_rules_stat_prefix',
  'track_per_rule_stats',
])
/** The listener's counters count for its routes too. */
const ROUTE_FIELDS = new Set([...FIELDS].filter(field => field !== 'track_per_rule_stats'))
const PER_ROUTE_FIELDS = new Set(['rbac'])
const RULES_FIELDS = new Set(['action', 'policies'])
const POLICY_FIELDS = new Set(['permissions', 'principals'])

const ACTIONS: Readonly<Record<Action, RbacAction>> = {
  [Action.ALLOW]: 'allow',
  [Action.DENY]: 'deny',
  [Action.LOG]: 'log',
}

export function compileRbac(typedConfig: Any, connectionManager: StatsScope): Parsed<RbacConfig> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, RBACSchema)
  if (message === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  else check.honour(RBACSchema, message, '', FIELDS)
  const scope = connectionManager.scope('rbac')
  const enforced = prefixedScope(scope, message?.rulesStatPrefix ?? '')
  const shadow = prefixedScope(scope, message?.shadowRulesStatPrefix ?? '')
  const tracked = message?.trackPerRuleStats === true
  return check.result({
    rules: compileRules(message, '', tracked ? enforced : null, tracked ? shadow : null, check),
    enforcedKeys: enforcedKeys(message?.rulesStatPrefix ?? ''),
    shadowKeys: shadowKeys(message?.shadowRulesStatPrefix ?? ''),
    stats: rbacStats(enforced, shadow),
  })
}

/** RBACPerRoute without an `rbac` switches the filter off. */
export function compileRouteRbac(typedConfig: Any): Parsed<RbacRules> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, RBACPerRouteSchema)
  if (message === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  else check.honour(RBACPerRouteSchema, message, '', PER_ROUTE_FIELDS)
  if (message?.rbac) check.honour(RBACSchema, message.rbac, 'rbac', ROUTE_FIELDS)
  return check.result(compileRules(message?.rbac ?? null, 'rbac.', null, null, check))
}

function compileRules(
  message: RBAC | null,
  path: string,
  enforced: StatsScope | null,
  shadow: StatsScope | null,
  check: ResourceCheck,
): RbacRules {
  const engine = (rules: Rules | undefined, field: string, scope: StatsScope | null, prefix: string): Engine | null =>
    rules === undefined ? null : compileEngine(rules, `${path}${field}`, scope, prefix, check)
  const ownKeys = (prefix: string | undefined, keys: (prefix: string) => MetadataKeys): MetadataKeys | null =>
    prefix === undefined || prefix === '' ? null : keys(prefix)
  return new RbacRules(
    engine(message?.rules, 'rules', enforced, ''),
    engine(message?.shadowRules, 'shadow_rules', shadow, 'shadow_'),
    ownKeys(message?.rulesStatPrefix, enforcedKeys),
    ownKeys(message?.shadowRulesStatPrefix, shadowKeys),
  )
}

function compileEngine(
  rules: Rules,
  path: string,
  scope: StatsScope | null,
  prefix: string,
  check: ResourceCheck,
): Engine {
  check.honour(RulesSchema, rules, path, RULES_FIELDS)
  const names = Object.keys(rules.policies).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const counter = (name: string, result: string): Counter | null =>
    scope
      ?.scope('policy')
      .scope(name)
      .counter(prefix + result) ?? null
  const policies = names.map((name): Policy => {
    const at = `${path}.policies[${JSON.stringify(name)}]`
    return {
      ...compilePolicy(rules.policies[name]!, at, check),
      name: toByteString(name),
      denial: denialBy(name),
      allowed: counter(name, 'allowed'),
      denied: counter(name, 'denied'),
    }
  })
  return new Engine(ACTIONS[rules.action] ?? 'deny', policies)
}

function compilePolicy(
  policy: PolicyMessage,
  path: string,
  check: ResourceCheck,
): Pick<Policy, 'permissions' | 'principals'> {
  check.honour(PolicySchema, policy, path, POLICY_FIELDS)
  return {
    permissions: new OrRule(compilePermissions(policy.permissions, `${path}.permissions`, check)),
    principals: new OrRule(compilePrincipals(policy.principals, `${path}.principals`, check)),
  }
}

/** The name is part of a word in logs, as bytes like all that they tell (Envoy). */
function denialBy(name: string) {
  const word = toByteString(name).replaceAll(/[\0-\x20\x7f]/g, '_')
  return failure(403, `rbac_access_denied_matched_policy[${word}]`, 0, 'RBAC: access denied')
}
