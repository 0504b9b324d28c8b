// Says which version it is, as well or badly as it is told to by POST /behave. Knows nothing of a mesh.
import { createServer } from 'node:http'

const version = process.env['WEFT_WORKLOAD']?.split('-')[1] ?? ''
let status = 200
let delayMs = 0

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://shop')
  if (url.pathname === '/health') {
    response.end('well')
    return
  }
  if (url.pathname === '/behave') {
    status = Number(url.searchParams.get('status') ?? 200)
    delayMs = Number(url.searchParams.get('delayMs') ?? 0)
    response.end()
    return
  }
  setTimeout(() => {
    response.statusCode = status
    response.end(version)
  }, delayMs)
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.env['PORT']), '127.0.0.1')
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
