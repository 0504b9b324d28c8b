// Two ports for whoever has no protocol: one greets before it is spoken to, the other waits; both echo to the end.
import { createServer } from 'node:net'

const serverFirst = createServer({ allowHalfOpen: true }, socket => {
  socket.write('220 ready\r\n')
  socket.pipe(socket).on('error', () => {})
})
const clientFirst = createServer({ allowHalfOpen: true }, socket => {
  socket.pipe(socket).on('error', () => {})
})
serverFirst.listen(Number(process.env['PORT_TCP']), '127.0.0.1')
clientFirst.listen(Number(process.env['PORT_ANY']), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
