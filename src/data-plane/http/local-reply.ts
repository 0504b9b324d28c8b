// A response that the mesh makes itself. Most are module constants: refusing costs next to nothing.

export interface LocalReply {
  readonly status: number
  /** Empty for none. */
  readonly body: string | Buffer
  /** Envoy's response code details: access log, and `x-weft-reason` unless switched off. */
  readonly details: string
  /** Bits of RESPONSE_FLAG to set on the stream. */
  readonly flags: number
  /** Name, value, name, value: fields beyond the usual. */
  readonly headers?: readonly string[]
  /** What a gRPC client is told; without, what `status` means to it. */
  readonly grpcStatus?: number
  /** False for what config asks for itself (direct responses): not a failure of the mesh, no `x-weft-reason`. */
  readonly isFailure: boolean
  /** The route has no say in its headers, or has had it. */
  readonly isFinal?: boolean
  /** Nor has local_reply_config, nor is it made over for gRPC: a filter's answer, and no reply of Envoy's sendLocalReply. */
  readonly isOwnAnswer?: boolean
}

/** What local_reply_config may have put in its place. */
export type ReplyContent = Pick<LocalReply, 'status' | 'body'>

/** A refusal by the mesh. */
export function failure(
  status: number,
  details: string,
  flags = 0,
  body = '',
  headers?: readonly string[],
): LocalReply {
  return { status, body, details, flags, isFailure: true, ...(headers && { headers }) }
}

const NO_BODY = Buffer.alloc(0)

/** What follows its head: nothing to gRPC, nor where bytes would be read as the next response (RFC 9110 15.3.5, 15.4.5). */
export function bodyOf({ status, body }: ReplyContent, isGrpc: boolean): Buffer {
  if (isGrpc || status === 204 || status === 304) return NO_BODY
  return typeof body === 'string' ? Buffer.from(body) : body
}

/** Without what is for the access log only: the transport's own words, which name addresses, and the names of policies. */
export function publicReason(details: string): string {
  const policy = details.indexOf('[')
  if (policy >= 0) return details.slice(0, policy)
  const end = details.indexOf('|')
  return end < 0 ? details : `${details.slice(0, end)}}`
}
