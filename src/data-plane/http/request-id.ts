// x-request-id: made where there is none, and made anew at the edge, where a client's own is not trusted.
import { addHeader, type HeaderList, setHeader } from '../../transport/header-list.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'

export function ensureRequestId(headers: HeaderList, isPresent: boolean, config: ConnectionManagerConfig): void {
  if (!config.generateRequestId) return
  if (!isPresent) addHeader(headers, 'x-request-id', config.requestIds.next())
  else if (config.forwarded.useRemoteAddress && !config.preserveRequestId)
    setHeader(headers, 'x-request-id', config.requestIds.next())
}
