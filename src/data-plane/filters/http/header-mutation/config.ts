// The config of header_mutation, compiled once for a listener, or for the levels of a route.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import {
  type HeaderMutation as MutationMessage,
  HeaderMutationSchema as MutationSchema,
} from '../../../../xds/generated/envoy/config/common/mutation_rules/v3/mutation_rules_pb.ts'
import {
  HeaderMutationPerRouteSchema,
  HeaderMutationSchema,
  type Mutations,
  MutationsSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import { checkName, compileAddition, createMutations, type MutationLevel } from '../../../route/header-mutator.ts'
import type { HeaderMutations } from '../../../route/route-entry.ts'

export interface HeaderMutationConfig {
  readonly request: HeaderMutations
  readonly response: HeaderMutations
  readonly mostSpecificWins: boolean
}

/** One mutation after the other: each sees what the one before it has done. */
interface Steps {
  readonly request: readonly MutationLevel[]
  readonly response: readonly MutationLevel[]
}

/** What all levels of a route say, in either order of applying them: the last one wins. */
export class RouteMutations {
  /** Least specific first. */
  readonly levels: readonly Steps[]
  readonly requestInwards: HeaderMutations
  readonly responseInwards: HeaderMutations
  readonly requestOutwards: HeaderMutations
  readonly responseOutwards: HeaderMutations

  constructor(levels: readonly Steps[]) {
    const outwards = levels.toReversed()
    this.levels = levels
    this.requestInwards = createMutations(levels.flatMap(({ request }) => request))
    this.responseInwards = createMutations(levels.flatMap(({ response }) => response))
    this.requestOutwards = createMutations(outwards.flatMap(({ request }) => request))
    this.responseOutwards = createMutations(outwards.flatMap(({ response }) => response))
  }
}

const FIELDS = new Set(['mutations', 'most_specific_header_mutations_wins'])
const ROUTE_FIELDS = new Set(['mutations'])
const MUTATIONS_FIELDS = new Set(['request_mutations', 'response_mutations'])
const MUTATION_FIELDS = new Set(['remove', 'append'])

export function compileHeaderMutation(typedConfig: Any): Parsed<HeaderMutationConfig> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, HeaderMutationSchema)
  if (message === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  else check.honour(HeaderMutationSchema, message, '', FIELDS)
  const { request, response } = compileSteps(message?.mutations, check)
  return check.result({
    request: createMutations(request),
    response: createMutations(response),
    mostSpecificWins: message?.mostSpecificHeaderMutationsWins ?? false,
  })
}

export function compileRouteMutation(typedConfig: Any): Parsed<RouteMutations> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, HeaderMutationPerRouteSchema)
  if (message === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  else check.honour(HeaderMutationPerRouteSchema, message, '', ROUTE_FIELDS)
  return check.result(new RouteMutations([compileSteps(message?.mutations, check)]))
}

export function combineRouteMutations(levels: readonly RouteMutations[]): RouteMutations {
  return new RouteMutations(levels.flatMap(level => level.levels))
}

function compileSteps(mutations: Mutations | undefined, check: ResourceCheck): Steps {
  if (mutations === undefined) return { request: [], response: [] }
  check.honour(MutationsSchema, mutations, 'mutations', MUTATIONS_FIELDS)
  const compile = (list: readonly MutationMessage[], field: string): readonly MutationLevel[] =>
    list.map((mutation, index) => compileStep(mutation, `mutations.${field}[${index}]`, check))
  return {
    request: compile(mutations.requestMutations, 'request_mutations'),
    response: compile(mutations.responseMutations, 'response_mutations'),
  }
}

function compileStep(message: MutationMessage, path: string, check: ResourceCheck): MutationLevel {
  check.honour(MutationSchema, message, path, MUTATION_FIELDS)
  const { action } = message
  if (action.case === 'append') return { remove: [], add: [compileAddition(action.value, `${path}.append`, check)] }
  if (action.case === 'remove') {
    checkName(action.value, `${path}.remove`, check)
    return { remove: [action.value.toLowerCase()], add: [] }
  }
  check.error(path, 'needs remove or append')
  return { remove: [], add: [] }
}
