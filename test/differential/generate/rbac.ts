// RBAC's policies, of permissions and principals that are about little enough to be met often.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { headerMatcher, stringMatcher } from './route-match.ts'
import { type Arbitrary, jsonObject, several } from './words.ts'

const path = stringMatcher(fc.constantFrom('/a', '/b', '/c', '/a?x', '/A'))
const addressRange = fc
  .record({
    address_prefix: fc.constantFrom('127.0.0.0', '127.0.0.1', '10.0.0.0', '10.1.2.3', '::1'),
    prefix_len: fc.constantFrom(8, 16, 32),
  })
  .map((range): JsonObject => range)
const anyone: Arbitrary<JsonObject> = fc.constant({ any: true })
const asked = fc.oneof(
  headerMatcher.map((header): JsonObject => ({ header })),
  path.map((path): JsonObject => ({ url_path: { path } })),
)
const serverName = fc.constantFrom<JsonObject[]>({ exact: '' }, { prefix: 'a' })

const permission: Arbitrary<JsonObject> = fc.letrec<{ rule: JsonObject }>(tie => ({
  rule: fc.oneof(
    { maxDepth: 2, withCrossShrink: false },
    { weight: 4, arbitrary: asked },
    { weight: 1, arbitrary: anyone },
    { weight: 1, arbitrary: addressRange.map((destination_ip): JsonObject => ({ destination_ip })) },
    { weight: 1, arbitrary: fc.constant<JsonObject>({ destination_port_range: { start: 1, end: 65_536 } }) },
    { weight: 1, arbitrary: serverName.map((requested_server_name): JsonObject => ({ requested_server_name })) },
    { weight: 1, arbitrary: tie('rule').map((not_rule): JsonObject => ({ not_rule })) },
    {
      weight: 1,
      arbitrary: several(tie('rule')).chain(rules =>
        fc.constantFrom<JsonObject[]>({ and_rules: { rules } }, { or_rules: { rules } }),
      ),
    },
  ),
})).rule

const principal: Arbitrary<JsonObject> = fc.letrec<{ id: JsonObject }>(tie => ({
  id: fc.oneof(
    { maxDepth: 2, withCrossShrink: false },
    { weight: 3, arbitrary: asked },
    { weight: 2, arbitrary: anyone },
    { weight: 1, arbitrary: fc.constant<JsonObject>({ authenticated: {} }) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom('remote_ip', 'direct_remote_ip', 'source_ip'), addressRange)
        .map(([kind, range]): JsonObject => ({ [kind]: range })),
    },
    { weight: 1, arbitrary: tie('id').map((not_id): JsonObject => ({ not_id })) },
    {
      weight: 1,
      arbitrary: several(tie('id')).chain(ids =>
        fc.constantFrom<JsonObject[]>({ and_ids: { ids } }, { or_ids: { ids } }),
      ),
    },
  ),
})).id
const policy = fc
  .record({ permissions: several(permission), principals: several(principal) })
  .map((policy): JsonObject => policy)
const rules = fc
  .record({
    action: fc.constantFrom('ALLOW', 'DENY', 'LOG'),
    policies: fc.dictionary(fc.constantFrom('p', 'q r', 'ü'), policy, { maxKeys: 2, noNullPrototype: true }),
  })
  .map((rules): JsonObject => rules)
export const rbac: Arbitrary<JsonObject> = jsonObject({
  rules,
  shadow_rules: rules,
  rules_stat_prefix: fc.constantFrom('r_', ''),
  shadow_rules_stat_prefix: fc.constantFrom('s_', 't_', ''),
})
