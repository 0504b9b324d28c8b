// tunneling_config, compiled: the CONNECT, or the POST, in which a TCP connection travels.
import type { HeaderList } from '../../../../transport/header-list.ts'
import type { RequestHead } from '../../../../transport/request-head.ts'
import {
  type TcpProxy_TunnelingConfig as TunnelingConfig,
  TcpProxy_TunnelingConfigSchema as TunnelingConfigSchema,
} from '../../../../xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import type { ResourceCheck } from '../../../../xds/resource-check.ts'
import { type CompiledPart, compileHeaderFormat, textOf } from '../../../access-log/command-operators.ts'
import { compileLevel, createMutations } from '../../../route/header-mutator.ts'
import type { StreamInfo } from '../../../stream-info.ts'

export interface Tunnel {
  /** What is asked of the endpoint for this connection. */
  requestFor(info: StreamInfo): RequestHead
}

const FIELDS = new Set(['hostname', 'headers_to_add', 'use_post', 'post_path'])
/** What may not stand in a request's target, which a blank or a line end would end. */
const UNFIT = /[^\x21-\x7e]/g

export function compileTunnel(message: TunnelingConfig, path: string, check: ResourceCheck): Tunnel {
  check.honour(TunnelingConfigSchema, message, path, FIELDS)
  if (message.hostname === '') check.error(`${path}.hostname`, 'is required')
  const hostname = compileHeaderFormat(message.hostname)
  if ('fault' in hostname) check.error(`${path}.hostname`, hostname.fault)
  const parts = 'parts' in hostname ? hostname.parts : []
  if (parts.some(part => typeof part === 'string' && part.search(UNFIT) >= 0))
    check.error(`${path}.hostname`, 'must hold visible ASCII alone')
  if (message.postPath !== '' && !message.usePost) check.error(`${path}.post_path`, 'needs use_post')
  if (message.postPath.search(UNFIT) >= 0) check.error(`${path}.post_path`, 'must hold visible ASCII alone')
  const method = message.usePost ? 'POST' : 'CONNECT'
  const target = message.usePost ? message.postPath || '/' : ''
  const level = compileLevel(message.headersToAdd, [], `${path}.`, 'headers', check)
  const mutations = createMutations([level])
  return {
    requestFor(info) {
      const headers: HeaderList = []
      mutations.apply(headers, info)
      return { method, path: target, authority: render(parts, info), scheme: 'http', protocol: '', headers }
    },
  }
}

/** What there is not is a dash, as in Envoy: an authority is never without a host. */
function render(parts: readonly CompiledPart[], info: StreamInfo): string {
  let text = ''
  for (const part of parts) {
    const value = typeof part === 'string' ? part : part(info)
    if (value === null) text += '-'
    else text += typeof part === 'string' ? value : textOf(value).replaceAll(UNFIT, '_')
  }
  return text
}
