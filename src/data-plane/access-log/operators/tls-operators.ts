// What TLS connections have agreed on, and the certificates of both ends.
import type { CertificateDetails } from '../../../transport/tls/certificate-details.ts'
import type { TlsDetails } from '../../../transport/tls/tls-details.ts'
import type { StreamInfo } from '../../stream-info.ts'
import { type Operator, orNull } from './operator.ts'

type CertificateOf = (info: StreamInfo) => CertificateDetails | null | undefined

export const downstreamPeer: CertificateOf = info => info.connection.peer?.details
export const upstreamPeer: CertificateOf = info => info.upstream?.tls?.peer
const downstreamLocal: CertificateOf = info => info.connection.handshake?.local
const upstreamLocal: CertificateOf = info => info.upstream?.tls?.local

function certificate(of: CertificateOf, read: (certificate: CertificateDetails) => string): Operator {
  return info => {
    const found = of(info)
    return found ? orNull(read(found)) : null
  }
}

function chain(read: (certificate: CertificateDetails) => string): Operator {
  return certificate(downstreamPeer, ({ chain }) => chain.map(read).join(','))
}

function handshake(of: (info: StreamInfo) => TlsDetails | null | undefined, read: 'version' | 'cipher'): Operator {
  return info => {
    const found = of(info)
    return found ? orNull(found[read]) : null
  }
}

const downstream = (info: StreamInfo): TlsDetails | null => info.connection.handshake
const upstream = (info: StreamInfo): TlsDetails | null => info.upstream?.tls ?? null
const uris = ({ names }: CertificateDetails): string => names.uris.join(',')
const dnsNames = ({ names }: CertificateDetails): string => names.dnsNames.join(',')
const ipAddresses = ({ names }: CertificateDetails): string => names.ipAddresses.join(',')
const emails = ({ names }: CertificateDetails): string => names.emails.join(',')
const subject = (of: CertificateDetails): string => of.subject
const issuer = (of: CertificateDetails): string => of.issuer
const pem = (of: CertificateDetails): string => of.pem
const serial = (of: CertificateDetails): string => of.serial
const sha1 = (of: CertificateDetails): string => of.sha1
const sha256 = (of: CertificateDetails): string => of.sha256

export const TLS_OPERATORS: Readonly<Record<string, Operator>> = {
  UPSTREAM_SERVER_NAME: info => orNull(info.upstream?.tls?.serverName ?? ''),
  UPSTREAM_TLS_CIPHER: handshake(upstream, 'cipher'),
  UPSTREAM_TLS_VERSION: handshake(upstream, 'version'),
  UPSTREAM_PEER_SUBJECT: certificate(upstreamPeer, subject),
  UPSTREAM_PEER_ISSUER: certificate(upstreamPeer, issuer),
  UPSTREAM_PEER_CERT: certificate(upstreamPeer, pem),
  UPSTREAM_PEER_URI_SAN: certificate(upstreamPeer, uris),
  UPSTREAM_PEER_DNS_SAN: certificate(upstreamPeer, dnsNames),
  UPSTREAM_PEER_IP_SAN: certificate(upstreamPeer, ipAddresses),
  UPSTREAM_LOCAL_URI_SAN: certificate(upstreamLocal, uris),
  UPSTREAM_LOCAL_DNS_SAN: certificate(upstreamLocal, dnsNames),
  UPSTREAM_LOCAL_IP_SAN: certificate(upstreamLocal, ipAddresses),
  DOWNSTREAM_TLS_CIPHER: handshake(downstream, 'cipher'),
  DOWNSTREAM_TLS_VERSION: handshake(downstream, 'version'),
  DOWNSTREAM_PEER_SUBJECT: info => (info.connection.peer === null ? null : orNull(info.connection.peer.subject)),
  DOWNSTREAM_PEER_ISSUER: certificate(downstreamPeer, issuer),
  DOWNSTREAM_PEER_CERT: certificate(downstreamPeer, pem),
  DOWNSTREAM_PEER_SERIAL: certificate(downstreamPeer, serial),
  DOWNSTREAM_PEER_ISSUER_SERIAL: certificate(downstreamPeer, ({ chain }) => chain[1]?.serial ?? ''),
  DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256: certificate(downstreamPeer, ({ chain }) => chain[1]?.sha256 ?? ''),
  DOWNSTREAM_PEER_FINGERPRINT_256: info => (info.connection.peer === null ? null : orNull(info.connection.peer.sha256)),
  DOWNSTREAM_PEER_FINGERPRINT_1: certificate(downstreamPeer, sha1),
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256: chain(sha256),
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1: chain(sha1),
  DOWNSTREAM_PEER_CHAIN_SERIALS: chain(serial),
  DOWNSTREAM_PEER_URI_SAN: certificate(downstreamPeer, uris),
  DOWNSTREAM_PEER_DNS_SAN: certificate(downstreamPeer, dnsNames),
  DOWNSTREAM_PEER_IP_SAN: certificate(downstreamPeer, ipAddresses),
  DOWNSTREAM_PEER_EMAIL_SAN: certificate(downstreamPeer, emails),
  DOWNSTREAM_LOCAL_SUBJECT: certificate(downstreamLocal, subject),
  DOWNSTREAM_LOCAL_URI_SAN: info => orNull(info.connection.localUriSan),
  DOWNSTREAM_LOCAL_DNS_SAN: certificate(downstreamLocal, dnsNames),
  DOWNSTREAM_LOCAL_IP_SAN: certificate(downstreamLocal, ipAddresses),
  DOWNSTREAM_LOCAL_EMAIL_SAN: certificate(downstreamLocal, emails),
}
