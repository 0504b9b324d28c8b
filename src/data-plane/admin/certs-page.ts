// /certs: the certificates of each TLS context, as Envoy prints them, and when the first of them ends.
import type { JsonObject } from '@bufbuild/protobuf'
import { type CertificateDetails, leafOf } from '../../transport/tls/certificate-details.ts'
import type { TlsMaterial } from '../transport-socket/tls-context.ts'
import { type JsonParts, jsonList, jsonObject } from './json-parts.ts'

const DAY_MS = 24 * 3_600_000
/** Envoy's figure where there is no certificate. */
const NO_END = 2 ** 32 - 1

export function certsJson(materials: Iterable<TlsMaterial>, wallNow: number): JsonParts {
  const read = new ReadCertificates()
  return jsonObject({
    certificates: jsonList(materials, material => ({
      ca_cert: read.authorities(material).map(each => certificateJson(each, wallNow)),
      cert_chain: read.leaves(material).map(each => certificateJson(each, wallNow)),
    })),
  })
}

/** Whole days until the first certificate ends, whoever it belongs to; 0 when one has ended. */
export function daysUntilFirstExpiry(materials: Iterable<TlsMaterial>, wallNow: number): number {
  const read = new ReadCertificates()
  let days = NO_END
  for (const material of materials)
    for (const each of [...read.authorities(material), ...read.leaves(material)])
      days = Math.min(days, daysLeft(each, wallNow))
  return days
}

/** A thousand contexts show the same certificate: each text is read once for all of them. */
class ReadCertificates {
  readonly #byText = new Map<string, CertificateDetails | null>()

  /** The first alone, as in Envoy. */
  authorities({ trustedCa }: TlsMaterial): readonly CertificateDetails[] {
    return trustedCa === null ? [] : this.#read(trustedCa)
  }

  leaves({ keyPairs }: TlsMaterial): readonly CertificateDetails[] {
    return keyPairs.flatMap(({ certificateChain }) => this.#read(certificateChain))
  }

  #read(pem: string): readonly CertificateDetails[] {
    let details = this.#byText.get(pem)
    if (details === undefined) {
      details = leafOf(pem)
      this.#byText.set(pem, details)
    }
    return details === null ? [] : [details]
  }
}

function certificateJson(details: CertificateDetails, wallNow: number): JsonObject {
  const { dnsNames, uris, ipAddresses } = details.names
  return {
    // Files are read when config is; where from is forgotten.
    path: '<inline>',
    serial_number: details.serial,
    subject_alt_names: [
      ...dnsNames.map(dns => ({ dns })),
      ...uris.map(uri => ({ uri })),
      ...ipAddresses.map(ip => ({ ip_address: ip })),
    ],
    days_until_expiration: String(daysLeft(details, wallNow)),
    valid_from: timestamp(details.validFrom),
    expiration_time: timestamp(details.validTo),
  }
}

function daysLeft({ validTo }: CertificateDetails, wallNow: number): number {
  return Number.isNaN(validTo) ? 0 : Math.max(0, Math.floor((validTo - wallNow) / DAY_MS))
}

/** Seconds are all that certificates know (RFC 5280 4.1.2.5). Empty where one says no time that can be read. */
function timestamp(epochMs: number): string {
  return Number.isNaN(epochMs) ? '' : new Date(epochMs).toISOString().replace('.000Z', 'Z')
}
