// What the connection manager makes of a request before any filter sees it: path, host, request id and the x-forwarded fields
// (Envoy's ConnectionManagerUtility::mutateRequestHeaders); and what it refuses.
import { FIELD } from '../../transport/http/field-name.ts'
import { isTunnel } from '../../transport/request-head.ts'
import { stripAuthority } from './authority.ts'
import { setForwardedClientCert } from './client-certificate-header.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import { takeExpectation } from './expectation.ts'
import { setForwardedHeaders, trustedClient } from './forwarded-headers.ts'
import type { LocalReply } from './local-reply.ts'
import { preparePath } from './prepare-path.ts'
import { ensureRequestId } from './request-id.ts'
import type { RoutedRequest } from './routed-request.ts'
import type { StreamConnection } from './stream-connection.ts'
import { tunnelRefusal } from './tunnel-refusal.ts'
import { appendVia } from './via.ts'

/** Path and host, as config has them. Null: it goes on. */
export function prepareTarget(
  { head, info }: RoutedRequest,
  connection: StreamConnection,
  config: ConnectionManagerConfig,
): LocalReply | null {
  const refusal = preparePath(head, info, config)
  if (refusal !== null) return refusal
  const { stripPort, stripTrailingDot } = config
  if (stripPort !== 'none' || stripTrailingDot) {
    head.authority = stripAuthority(head.authority, stripPort, connection.info.localPort, stripTrailingDot)
    info.authority = head.authority
  }
  return null
}

/** `fields`: bits of FIELD that occurred in it. Null: it goes on. */
export function prepareRequest(
  request: RoutedRequest,
  fields: number,
  connection: StreamConnection,
  config: ConnectionManagerConfig,
): LocalReply | null {
  const { head, info } = request
  const { headers } = head
  const refusal = prepareTarget(request, connection, config)
  if (refusal !== null) return refusal
  const { forwarded } = config
  if (fields & FIELD.forwardedFor) info.clientIp = trustedClient(headers, forwarded)
  setForwardedHeaders(head, fields, connection.info, forwarded)
  info.scheme = head.scheme
  if (config.via !== '') appendVia(headers, config.via)
  ensureRequestId(headers, (fields & FIELD.requestId) !== 0, config)
  const certPresent = (fields & FIELD.forwardedClientCert) !== 0
  if (certPresent || connection.info.peer !== null)
    setForwardedClientCert(headers, certPresent, connection.info, config.forwardClientCert, config.clientCertDetails)
  if (fields & FIELD.expect && !config.forwardsInterimResponses && takeExpectation(headers)) connection.writeContinue()
  return isTunnel(head) ? tunnelRefusal(head, request.route(), config) : null
}
