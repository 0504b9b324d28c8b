// Header operations of a route or destination as Envoy's header options; the authority is no header there.
import { create } from '@bufbuild/protobuf'
import type { HeaderOperations, Headers } from '../../model/header-operations.ts'
import {
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
  HeaderValueOptionSchema,
} from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { compare } from '../link/precedence.ts'

export interface HeaderOptions {
  readonly requestHeadersToAdd: HeaderValueOption[]
  readonly requestHeadersToRemove: string[]
  readonly responseHeadersToAdd: HeaderValueOption[]
  readonly responseHeadersToRemove: string[]
  /** From `Host` or `:authority` among the request's; empty: none. */
  readonly authority: string
}

export function headerOptions(headers: Headers): HeaderOptions {
  return {
    requestHeadersToAdd: additions(headers.request),
    requestHeadersToRemove: [...headers.request.remove],
    responseHeadersToAdd: additions(headers.response),
    responseHeadersToRemove: [...headers.response.remove],
    authority: authorityOf(headers.request),
  }
}

function authorityOf({ set, add }: HeaderOperations): string {
  const entry = [...Object.entries(set), ...Object.entries(add)].find(([name]) => isAuthority(name))
  return entry?.[1] ?? ''
}

function isAuthority(name: string): boolean {
  return name.toLowerCase() === 'host' || name.toLowerCase() === ':authority'
}

/** Sets before adds, each by name: the order of a map is nobody's intention. The authority is none of them. */
function additions({ set, add }: HeaderOperations): HeaderValueOption[] {
  const option = (key: string, value: string, appendAction: HeaderValueOption_HeaderAppendAction): HeaderValueOption =>
    create(HeaderValueOptionSchema, { header: { key, value }, appendAction })
  const usable = (values: Readonly<Record<string, string>>): [string, string][] =>
    Object.entries(values)
      .filter(([name]) => !isAuthority(name))
      .sort(([a], [b]) => compare(a, b))
  return [
    ...usable(set).map(([key, value]) =>
      option(key, value, HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD),
    ),
    ...usable(add).map(([key, value]) =>
      option(key, value, HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD),
    ),
  ]
}
