// Fields that checks send besides their own. They are the same for each, so that nothing of a stream can stand in them.
import { addHeader, getHeader, type HeaderList, setHeader } from '../../transport/header-list.ts'
import {
  HeaderValueOption_HeaderAppendAction as Append,
  type HeaderValueOption,
} from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { compileAddition } from '../route/header-mutator.ts'

export function addOptions(
  headers: HeaderList,
  options: readonly HeaderValueOption[],
  path: string,
  check: ResourceCheck,
): void {
  for (const [index, option] of options.entries()) {
    const at = `${path}[${index}]`
    const { name, parts, action, keepEmpty } = compileAddition(option, at, check)
    if (parts.some(part => typeof part !== 'string'))
      check.unsupported(`${at}.header.value`, 'command operators are not supported in health checks')
    const value = parts.join('')
    const isThere = getHeader(headers, name) !== undefined
    if (value === '' && !keepEmpty) continue
    if (action === Append.OVERWRITE_IF_EXISTS_OR_ADD || (action === Append.OVERWRITE_IF_EXISTS && isThere))
      setHeader(headers, name, value)
    else if (action === Append.APPEND_IF_EXISTS_OR_ADD || (action === Append.ADD_IF_ABSENT && !isThere))
      addHeader(headers, name, value)
  }
}
