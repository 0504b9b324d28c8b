// A generated service as grpc-js wants it, for servers and clients alike.
import { type DescMessage, type DescService, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'

/**
 * Method names stay as in the protocol (`StreamAggregatedResources`). Bytes that cannot be decoded make grpc-js end
 * the call with INTERNAL.
 */
export function grpcServiceDefinition(service: DescService): ServiceDefinition {
  const definition: Record<string, MethodDefinition<unknown, unknown>> = {}
  for (const method of service.methods) {
    definition[method.name] = {
      path: `/${service.typeName}/${method.name}`,
      requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
      responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
      requestSerialize: serializer(method.input),
      requestDeserialize: bytes => fromBinary(method.input, bytes),
      responseSerialize: serializer(method.output),
      responseDeserialize: bytes => fromBinary(method.output, bytes),
    }
  }
  return definition
}

function serializer<D extends DescMessage>(schema: D): (value: unknown) => Buffer {
  return value => {
    if (Buffer.isBuffer(value)) return value
    const bytes = toBinary(schema, value as MessageShape<D>)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
}
