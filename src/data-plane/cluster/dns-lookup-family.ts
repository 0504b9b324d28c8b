// Which of a name's addresses a cluster uses: Envoy's Cluster.dns_lookup_family.
import { isIPv6 } from 'node:net'
import type { AddressChoice } from '../../transport/net/lookup-network.ts'
import { Cluster_DnsLookupFamily as Family } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'

const isV4 = (address: string): boolean => !isIPv6(address)

/** The addresses of one family; with `fallback`, those of the other where there is none. */
function oneFamily(belongs: (address: string) => boolean, fallback: boolean): AddressChoice {
  return addresses => {
    const chosen = addresses.filter(belongs)
    return chosen.length === 0 && fallback ? addresses : chosen
  }
}

/** AUTO, the default, is Envoy's older name for "IPv6, else IPv4". */
export const ADDRESS_CHOICES: Readonly<Record<Family, AddressChoice>> = {
  [Family.AUTO]: oneFamily(isIPv6, true),
  [Family.V4_ONLY]: oneFamily(isV4, false),
  [Family.V6_ONLY]: oneFamily(isIPv6, false),
  [Family.V4_PREFERRED]: oneFamily(isV4, true),
  [Family.ALL]: addresses => addresses,
}
