// proxy-config secrets: RESOURCE NAME | TYPE | STATUS | VALID CERT | SERIAL NUMBER | NOT AFTER | NOT BEFORE | TRUST DOMAIN.
import { X509Certificate } from 'node:crypto'
import type { TableView } from '../output/print-data.ts'
import { type Json, object, string } from './config-dump.ts'
import type { ConfigFilter } from './config-filter.ts'

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/

export function selectSecrets(secrets: readonly Json[], filter: ConfigFilter): Json[] {
  return secrets.filter(secret => filter.name === undefined || string(secret, 'name') === filter.name)
}

export function secretTable(secrets: readonly Json[], nowMs: number): TableView {
  return {
    header: [
      'RESOURCE NAME',
      'TYPE',
      'STATUS',
      'VALID CERT',
      'SERIAL NUMBER',
      'NOT AFTER',
      'NOT BEFORE',
      'TRUST DOMAIN',
    ],
    rows: secrets.map(entry => secretRow(entry, nowMs)),
    none: 'no secrets match',
  }
}

function secretRow(entry: Json, nowMs: number): string[] {
  const secret = object(entry, 'secret')
  const chain = object(object(secret, 'tls_certificate'), 'certificate_chain')
  const authority = object(object(secret, 'validation_context'), 'trusted_ca')
  const isChain = Object.keys(chain).length > 0
  const type = isChain ? 'Cert Chain' : 'CA'
  const certificate = readCertificate(isChain ? chain : authority)
  if (certificate === null) return [string(entry, 'name'), type, 'WARMING', 'false', '', '', '', '']
  const from = Date.parse(certificate.validFrom)
  const to = Date.parse(certificate.validTo)
  return [
    string(entry, 'name'),
    type,
    'ACTIVE',
    String(from <= nowMs && nowMs < to),
    certificate.serialNumber.toLowerCase(),
    isoSeconds(to),
    isoSeconds(from),
    /URI:spiffe:\/\/([^/,]+)/.exec(certificate.subjectAltName ?? '')?.[1] ?? '',
  ]
}

/** The first certificate of a data source: the leaf, or the first root. */
function readCertificate(source: Json): X509Certificate | null {
  const bytes = string(source, 'inline_bytes')
  const text = bytes === '' ? string(source, 'inline_string') : Buffer.from(bytes, 'base64').toString('utf8')
  const pem = PEM.exec(text)?.[0]
  if (pem === undefined) return null
  try {
    return new X509Certificate(pem)
  } catch {
    return null
  }
}

function isoSeconds(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
}
