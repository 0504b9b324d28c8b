// gRPC's statuses beside HTTP's, and the response that a gRPC client gets when the mesh answers in the upstream's place:
// 200, and what went wrong in grpc-status and grpc-message ("Trailers-Only" of the gRPC wire protocol).
import { getHeader, type HeaderList, setHeader } from '../../transport/header-list.ts'
import type { ReplyContent } from './local-reply.ts'

export const GRPC_STATUS = {
  unknown: 2,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

/** `application/grpc`, or that with a subtype: not gRPC-Web. */
export function isGrpcContentType(type: string | undefined): boolean {
  if (type === undefined || !type.startsWith('application/grpc')) return false
  return type.length === 16 || type.charCodeAt(16) === 43
}

export function isGrpcRequest(headers: HeaderList): boolean {
  return isGrpcContentType(getHeader(headers, 'content-type'))
}

/** As gRPC's http-grpc-status-mapping has it, and Envoy's Grpc::Utility::httpToGrpcStatus. */
export function httpToGrpcStatus(status: number): number {
  switch (status) {
    case 400:
      return GRPC_STATUS.internal
    case 401:
      return GRPC_STATUS.unauthenticated
    case 403:
      return GRPC_STATUS.permissionDenied
    case 404:
      return GRPC_STATUS.unimplemented
    case 429:
    case 502:
    case 503:
    case 504:
      return GRPC_STATUS.unavailable
    default:
      return GRPC_STATUS.unknown
  }
}

/** By gRPC status: what an HTTP client gets instead (Envoy's Grpc::Utility::grpcToHttpStatus). */
const HTTP_STATUS = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401]

export function grpcToHttpStatus(status: number): number {
  return HTTP_STATUS[status] ?? 500
}

/** Over whatever the reply says of its content; a status that it has among its fields stays (Envoy). */
export function setGrpcFields(
  headers: HeaderList,
  { status, body }: ReplyContent,
  grpcStatus: number | undefined,
  toHead: boolean,
): void {
  setHeader(headers, 'content-type', 'application/grpc')
  if (!getHeader(headers, 'grpc-status'))
    setHeader(headers, 'grpc-status', String(grpcStatus ?? httpToGrpcStatus(status)))
  // A reply to HEAD has no body, and so nothing to say in its place (Envoy).
  if (toHead) return
  const message = typeof body === 'string' ? Buffer.from(body) : body
  if (message.length > 0) setHeader(headers, 'grpc-message', percentEncode(message))
}

/** gRPC's Percent-Encoded: all but printable ASCII, and the sign itself. */
export function percentEncode(bytes: Buffer): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25
    text += plain ? String.fromCharCode(byte) : `%${byte < 16 ? '0' : ''}${byte.toString(16).toUpperCase()}`
  }
  return text
}
