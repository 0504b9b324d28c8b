// Envoy's Permission and Principal, compiled to rules. What cannot be asked of a request here is refused by name.
import { parseCidr } from '../../../../base/cidr.ts'
import type { CidrRange } from '../../../../xds/generated/envoy/config/core/v3/address_pb.ts'
import {
  type Permission,
  PermissionSchema,
  type Principal,
  Principal_AuthenticatedSchema,
  PrincipalSchema,
} from '../../../../xds/generated/envoy/config/rbac/v3/rbac_pb.ts'
import { type PathMatcher, PathMatcherSchema } from '../../../../xds/generated/envoy/type/matcher/v3/path_pb.ts'
import type { ResourceCheck } from '../../../../xds/resource-check.ts'
import { compileHeaderMatcher } from '../../../route/criterion.ts'
import { compileStringMatcher } from '../../../route/string-matcher.ts'
import {
  type AddressKind,
  AddressRule,
  ANY,
  AndRule,
  HeaderRule,
  NotRule,
  OrRule,
  OVER_TLS,
  PathRule,
  PortRule,
  PrincipalRule,
  type Rule,
  ServerNameRule,
} from './rule.ts'

const NOTHING: Rule = new NotRule(ANY)
const PORTS = 65_536

const PERMISSION_FIELDS = new Set(
  (
    'and_rules or_rules any header url_path destination_ip destination_port destination_port_range not_rule ' +
    'requested_server_name'
  ).split(' '),
)
const PRINCIPAL_FIELDS = new Set(
  'and_ids or_ids any authenticated source_ip direct_remote_ip remote_ip header url_path not_id'.split(' '),
)
const AUTHENTICATED_FIELDS = new Set(['principal_name'])
const PATH_FIELDS = new Set(['path'])

export function compilePermission(permission: Permission, path: string, check: ResourceCheck): Rule {
  check.honour(PermissionSchema, permission, path, PERMISSION_FIELDS)
  const { rule } = permission
  switch (rule.case) {
    case 'andRules':
      return new AndRule(compilePermissions(rule.value.rules, `${path}.and_rules.rules`, check))
    case 'orRules':
      return new OrRule(compilePermissions(rule.value.rules, `${path}.or_rules.rules`, check))
    case 'notRule':
      return new NotRule(compilePermission(rule.value, `${path}.not_rule`, check))
    case 'any':
      return compileAny(rule.value, path, check)
    case 'header':
      return new HeaderRule(compileHeaderMatcher(rule.value, `${path}.header`, check))
    case 'urlPath':
      return compileUrlPath(rule.value, `${path}.url_path`, check)
    case 'destinationIp':
      return compileAddress('destination', rule.value, `${path}.destination_ip`, check)
    case 'destinationPort':
      if (rule.value >= PORTS) check.error(`${path}.destination_port`, 'is no port')
      return new PortRule(rule.value, rule.value + 1)
    case 'destinationPortRange': {
      const { start, end } = rule.value
      if (start < 0 || end > PORTS || start >= end)
        check.error(`${path}.destination_port_range`, 'is no range of ports')
      return new PortRule(start, end)
    }
    case 'requestedServerName':
      return new ServerNameRule(compileStringMatcher(rule.value, `${path}.requested_server_name`, check).test)
    case undefined:
      check.error(path, 'needs a rule')
      return NOTHING
    default:
      return NOTHING
  }
}

export function compilePermissions(permissions: readonly Permission[], path: string, check: ResourceCheck): Rule[] {
  if (permissions.length === 0) check.error(path, 'must not be empty')
  return permissions.map((permission, index) => compilePermission(permission, `${path}[${index}]`, check))
}

export function compilePrincipal(principal: Principal, path: string, check: ResourceCheck): Rule {
  check.honour(PrincipalSchema, principal, path, PRINCIPAL_FIELDS)
  const { identifier } = principal
  switch (identifier.case) {
    case 'andIds':
      return new AndRule(compilePrincipals(identifier.value.ids, `${path}.and_ids.ids`, check))
    case 'orIds':
      return new OrRule(compilePrincipals(identifier.value.ids, `${path}.or_ids.ids`, check))
    case 'notId':
      return new NotRule(compilePrincipal(identifier.value, `${path}.not_id`, check))
    case 'any':
      return compileAny(identifier.value, path, check)
    case 'authenticated': {
      const at = `${path}.authenticated`
      check.honour(Principal_AuthenticatedSchema, identifier.value, at, AUTHENTICATED_FIELDS)
      const name = identifier.value.principalName
      return name ? new PrincipalRule(compileStringMatcher(name, `${at}.principal_name`, check).test) : OVER_TLS
    }
    case 'sourceIp':
      return compileAddress('direct-remote', identifier.value, `${path}.source_ip`, check)
    case 'directRemoteIp':
      return compileAddress('direct-remote', identifier.value, `${path}.direct_remote_ip`, check)
    case 'remoteIp':
      return compileAddress('remote', identifier.value, `${path}.remote_ip`, check)
    case 'header':
      return new HeaderRule(compileHeaderMatcher(identifier.value, `${path}.header`, check))
    case 'urlPath':
      return compileUrlPath(identifier.value, `${path}.url_path`, check)
    case undefined:
      check.error(path, 'needs an identifier')
      return NOTHING
    default:
      return NOTHING
  }
}

export function compilePrincipals(principals: readonly Principal[], path: string, check: ResourceCheck): Rule[] {
  if (principals.length === 0) check.error(path, 'must not be empty')
  return principals.map((principal, index) => compilePrincipal(principal, `${path}[${index}]`, check))
}

function compileAny(value: boolean, path: string, check: ResourceCheck): Rule {
  if (!value) check.error(`${path}.any`, 'must be true')
  return ANY
}

function compileUrlPath(matcher: PathMatcher, path: string, check: ResourceCheck): Rule {
  check.honour(PathMatcherSchema, matcher, path, PATH_FIELDS)
  if (matcher.rule.case === 'path')
    return new PathRule(compileStringMatcher(matcher.rule.value, `${path}.path`, check).test)
  check.error(`${path}.path`, 'is required')
  return NOTHING
}

/** Without a length the range is the whole family (Envoy). */
function compileAddress(kind: AddressKind, range: CidrRange, path: string, check: ResourceCheck): Rule {
  const cidr = parseCidr(range.addressPrefix, range.prefixLen ?? 0)
  if (cidr !== null) return new AddressRule(kind, cidr)
  check.error(path, `${range.addressPrefix}/${range.prefixLen ?? 0} is no address range`)
  return NOTHING
}
