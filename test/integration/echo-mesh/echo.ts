// Answers with what it received; counts bytes sent to it; sends as many as it is asked for. Knows nothing of a mesh.
import { createServer } from 'node:http'

const block = Buffer.alloc(64 * 1024, 'x')

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://echo')
  if (url.pathname === '/stream') {
    let left = Number(url.searchParams.get('bytes'))
    const send = (): void => {
      while (left > 0) {
        const chunk = left < block.length ? block.subarray(0, left) : block
        left -= chunk.length
        if (!response.write(chunk)) return void response.once('drain', send)
      }
      response.end()
    }
    send()
    return
  }
  let received = 0
  request.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  request.on('end', () => {
    const answer = { instance: process.env['WEFT_WORKLOAD'], path: request.url, received, headers: request.headers }
    const body = JSON.stringify(answer)
    setTimeout(() => response.end(body), Number(url.searchParams.get('delayMs')))
  })
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.env['PORT']), '127.0.0.1')
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
