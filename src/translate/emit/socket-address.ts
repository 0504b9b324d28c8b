// An address and port as Envoy writes them.
import { create } from '@bufbuild/protobuf'
import { type Address, AddressSchema } from '../../xds/generated/envoy/config/core/v3/address_pb.ts'

export function socketAddress(address: string, port: number): Address {
  return create(AddressSchema, {
    address: {
      case: 'socketAddress',
      value: { address, portSpecifier: { case: 'portValue', value: port } },
    },
  })
}
