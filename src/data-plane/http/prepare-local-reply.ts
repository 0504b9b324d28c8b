// A local reply as its client gets it (Envoy's Utility::prepareLocalReply).
import { getHeader, type HeaderList, removeHeader } from '../../transport/header-list.ts'
import type { ResponseHead } from '../../transport/request-head.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import { setGrpcFields } from './grpc-status.ts'
import { bodyOf, type LocalReply, publicReason, type ReplyContent } from './local-reply.ts'
import type { RoutedRequest } from './routed-request.ts'

export interface LocalResponse extends ResponseHead {
  readonly body: Buffer
}

/** `isGrpc`: the client speaks it. */
export function prepareLocalReply(
  reply: LocalReply,
  isGrpc: boolean,
  request: RoutedRequest,
  config: ConnectionManagerConfig,
): LocalResponse {
  const headers: HeaderList = []
  if (!reply.isFinal) request.mutateReply(headers)
  if (reply.headers) for (const text of reply.headers) headers.push(text)
  const { localReplies } = config
  let content: ReplyContent = reply
  if (localReplies !== null && !reply.isOwnAnswer)
    content = localReplies.rewrite(reply, headers, isGrpc, request, config.clock)
  // To filters and their operators also where a client of gRPC gets 200 (Envoy).
  request.info.responseCode = content.status
  if (isGrpc) setGrpcFields(headers, content, reply.grpcStatus, request.head.method === 'HEAD')
  const body = bodyOf(content, isGrpc)
  if (body.length > 0) headers.push('content-length', String(body.length))
  else if (!isGrpc) removeHeader(headers, 'content-type')
  if (body.length > 0 && getHeader(headers, 'content-type') === undefined) headers.push('content-type', 'text/plain')
  if (reply.isFailure && config.reasonHeader) headers.push('x-weft-reason', publicReason(reply.details))
  return { status: isGrpc ? 200 : content.status, headers, body }
}
