// A gRPC client without a proxy, in a process of its own (grpc-js-xds reads its bootstrap once per process): told over
// IPC how many calls to make, it answers with who answered each.
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { register } from '@grpc/grpc-js-xds'

register()
const client = new Client(process.argv[2]!, credentials.createInsecure())
const identity = (bytes: Buffer): Buffer => bytes

function call(headers: Readonly<Record<string, string>>): Promise<string> {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  const deadline = new Date(Date.now() + 60_000)
  return new Promise(resolve => {
    client.makeUnaryRequest(
      '/test.Echo/Who',
      identity,
      identity,
      Buffer.alloc(0),
      metadata,
      { deadline },
      (error, who) => resolve(error ? `error ${error.code}: ${error.details}` : who!.toString()),
    )
  })
}

process.on('message', async (message: { calls: number; headers: Record<string, string> }) => {
  const answers: string[] = []
  for (let i = 0; i < message.calls; i++) answers.push(await call(message.headers))
  process.send!(answers)
})
process.on('disconnect', () => process.exit(0))
