// Certificates of the run: an authority that both proxies are told of, another that they are not, and what both issued.
import { TestAuthority } from '../../src/transport/tls/certificate-fixture.ts'

export const AUTHORITY = await TestAuthority.create()
export const STRANGERS = await TestAuthority.create('CN=strangers')

export const SERVER = await AUTHORITY.issue({
  names: [
    { type: 'dns', value: 'a.test' },
    { type: 'url', value: 'spiffe://mesh/server' },
  ],
})
export const CLIENT = await AUTHORITY.issue({
  subject: 'CN=client,O=Weft',
  names: [
    { type: 'url', value: 'spiffe://mesh/client' },
    { type: 'dns', value: 'client.test' },
  ],
})
/** Of endpoints, by the name of their cluster. */
export const ENDPOINT_CERTIFICATES = {
  'tls-a': await AUTHORITY.issue({
    names: [
      { type: 'dns', value: 'a.test' },
      { type: 'dns', value: '*.b.test' },
      { type: 'url', value: 'spiffe://mesh/a' },
      { type: 'ip', value: '127.0.0.1' },
    ],
  }),
  'tls-stranger': await STRANGERS.issue({ names: [{ type: 'dns', value: 'a.test' }] }),
} as const
