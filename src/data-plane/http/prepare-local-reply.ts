// A local reply as its client gets it (Envoy's Utility::prepareLocalReply).
import { getHeader, type HeaderList, removeHeader } from '../../transport/header-list.ts'
import type { ResponseHead } from '../../transport/request-head.ts'
import { pushGrpcFields } from './grpc-status.ts'
import { type LocalReply, publicReason } from './local-reply.ts'
import type { RoutedRequest } from './routed-request.ts'

/** `body`: of bodyOf. `isGrpc`: the client speaks it. */
export function prepareLocalReply(
  reply: LocalReply,
  body: Buffer,
  isGrpc: boolean,
  request: RoutedRequest,
  reasonHeader: boolean,
): ResponseHead {
  const headers: HeaderList = []
  if (isGrpc) pushGrpcFields(headers, reply, request.head.method === 'HEAD')
  if (!reply.isFinal) request.mutateReply(headers)
  if (reply.headers) for (const text of reply.headers) headers.push(text)
  if (body.length > 0) headers.push('content-length', String(body.length))
  else if (!isGrpc) removeHeader(headers, 'content-type')
  if (body.length > 0 && getHeader(headers, 'content-type') === undefined) headers.push('content-type', 'text/plain')
  if (reply.isFailure && reasonHeader) headers.push('x-weft-reason', publicReason(reply.details))
  return { status: isGrpc ? 200 : reply.status, headers }
}
