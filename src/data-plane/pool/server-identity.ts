// auto_sni and auto_san_validation: whom TLS to an endpoint is for, by what the request asks for.
import { isIP } from 'node:net'
import { getCombinedHeader, type HeaderList } from '../../transport/header-list.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { stripAuthority } from '../http/authority.ts'
import type { ServerIdentity } from '../upstream-transport.ts'

/** Null: as the cluster's transport socket says. `authority`: as it goes upstream. */
export function serverIdentityFor(cluster: Cluster, headers: HeaderList, authority: string): ServerIdentity | null {
  const { autoIdentity } = cluster
  if (autoIdentity === null) return null
  const { header } = autoIdentity
  const said = (header !== '' && getCombinedHeader(headers, header)) || authority
  const host = hostOf(said)
  if (host === '') return null
  return {
    // An address is no server name (RFC 6066 3).
    serverName: autoIdentity.announces && isIP(host) === 0 ? host : null,
    verifiedName: autoIdentity.verifies ? host : null,
  }
}

function hostOf(authority: string): string {
  const host = stripAuthority(authority, 'any', 0, false)
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
