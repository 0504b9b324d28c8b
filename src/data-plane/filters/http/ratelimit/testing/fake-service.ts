// For tests: a rate limit service of another make (grpc-js), that answers by what it is asked about.
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import {
  type RateLimitRequest,
  RateLimitResponseSchema,
  RateLimitService,
} from '../../../../../xds/generated/envoy/service/ratelimit/v3/rls_pb.ts'
import { grpcServiceDefinition } from '../../../../../xds/grpc-service-definition.ts'
import { FakeCluster } from '../../../../http/testing/fake-proxy.ts'

/** `never`: no answer; `error`: UNAVAILABLE. */
export type Answer = MessageInitShape<typeof RateLimitResponseSchema> | 'never' | 'error'

export interface FakeService {
  readonly cluster: FakeCluster
  /** `domain: key=value,key=value; …` of each call. */
  readonly asked: string[]
  readonly metadata: Readonly<Record<string, unknown>>[]
  /** Resolves when so many calls have come. */
  reached(calls: number): Promise<void>
  /** Of calls that were given up. */
  cancelled: number
  close(): void
}

export async function fakeService(answer: (request: RateLimitRequest) => Answer): Promise<FakeService> {
  const server = new Server()
  const asked: string[] = []
  const metadata: Readonly<Record<string, unknown>>[] = []
  const waiting: (() => void)[] = []
  server.addService(grpcServiceDefinition(RateLimitService), {
    ShouldRateLimit(call: ServerUnaryCall<RateLimitRequest, unknown>, done: sendUnaryData<unknown>) {
      const { request } = call
      const descriptors = request.descriptors.map(({ entries }) => entries.map(one => `${one.key}=${one.value}`).join())
      asked.push(`${request.domain}: ${descriptors.join('; ')}`)
      metadata.push(call.metadata.getMap())
      const result = answer(request)
      // Of what was answered, too, grpc-js says so when its stream closes.
      if (result === 'never')
        call.on('cancelled', () => {
          service.cancelled++
          for (const wake of waiting.splice(0)) wake()
        })
      if (result === 'error') done({ code: status.UNAVAILABLE })
      else if (result !== 'never') done(null, create(RateLimitResponseSchema, result))
      for (const wake of waiting.splice(0)) wake()
    },
  })
  const port = await new Promise<number>((bound, fail) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, number) =>
      error ? fail(error) : bound(number),
    )
  })
  const cluster = new FakeCluster('rls', port)
  cluster.httpProtocol = 'http2'
  const service: FakeService = {
    cluster,
    asked,
    metadata,
    cancelled: 0,
    async reached(calls) {
      while (asked.length + service.cancelled < calls) await new Promise<void>(wake => waiting.push(wake))
    },
    close: () => server.forceShutdown(),
  }
  return service
}
