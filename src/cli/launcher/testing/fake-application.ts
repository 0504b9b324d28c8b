// An application for launcher tests: listens on PORT, says what it was told, dies when asked to.
import { createServer } from 'node:http'

if (process.env['FAIL_AT_START']) {
  console.error('cannot read its settings')
  process.exit(3)
}

const server = createServer((request, response) => {
  if (request.url === '/die') process.exit(1)
  response.end(JSON.stringify({ proxy: process.env['HTTP_PROXY'], workload: process.env['WEFT_WORKLOAD'] }))
})
server.listen(Number(process.env['PORT']), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
