// A gRPC service that knows nothing of a mesh.
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { GREETER } from './greeter-service.ts'

const server = new Server()
server.addService(GREETER, {
  // biome-ignore-start lint/suspicious/noExplicitAny: the shapes of the calls are those of the definition
  greet(call: any, answer: any) {
    const { name } = call.request
    if (name === 'nobody') {
      const metadata = new Metadata()
      metadata.set('reason', 'no such person')
      answer({ code: status.NOT_FOUND, details: 'nobody is not here', metadata })
    } else if (name !== 'silence') {
      const trailers = new Metadata()
      trailers.set('greeted-by', process.env['WEFT_WORKLOAD'] ?? '')
      const heads = call.metadata.getMap()
      answer(null, { text: `hello ${name}`, certificate: heads['x-forwarded-client-cert'] ?? '' }, trailers)
    }
  },
  count(call: any) {
    for (let n = 1; n <= call.request.to; n++) call.write({ n })
    call.end()
  },
  sum(call: any, answer: any) {
    let sum = 0
    call.on('data', ({ n }: { n: number }) => {
      sum += n
    })
    call.on('end', () => answer(null, { sum }))
  },
  chat(call: any) {
    call.on('data', ({ text }: { text: string }) => call.write({ text: text.toUpperCase() }))
    call.on('end', () => call.end())
  },
  // biome-ignore-end lint/suspicious/noExplicitAny: as above
})
server.bindAsync(`127.0.0.1:${process.env['PORT']}`, ServerCredentials.createInsecure(), error => {
  if (error) throw error
})
process.once('SIGTERM', () => server.tryShutdown(() => process.exit(0)))
