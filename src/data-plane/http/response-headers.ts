// What the connection manager adds to every response: date, server, request id.
import { getHeader, type HeaderList, setHeader } from '../../transport/header-list.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import { appendVia } from './via.ts'

export function completeResponseHeaders(
  headers: HeaderList,
  config: ConnectionManagerConfig,
  requestHeaders: HeaderList,
): void {
  let hasDate = false
  let server = -1
  let servers = 0
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === 'date') hasDate = true
    else if (headers[i] === 'server') {
      server = i
      servers++
    }
  }
  if (config.serverHeader === 'overwrite' && servers > 1) setHeader(headers, 'server', config.serverName)
  else if (config.serverHeader === 'overwrite' && server >= 0) headers[server + 1] = config.serverName
  else if (config.serverHeader !== 'pass-through' && server < 0) headers.push('server', config.serverName)
  if (!hasDate) headers.push('date', config.date.now())
  if (config.via !== '') appendVia(headers, config.via)
  if (config.requestIdInResponse) {
    const id = getHeader(requestHeaders, 'x-request-id')
    if (id !== undefined) setHeader(headers, 'x-request-id', id)
  }
}
