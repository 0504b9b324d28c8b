// Keys and certificates for a benchmark: one authority, one server, one client, as files.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TestAuthority } from '../../src/transport/tls/certificate-fixture.ts'
import type { KeyPair } from '../../src/transport/tls/secure-context.ts'

export const SERVER_NAME = 'upstream.bench.test'
export const SERVER_ID = 'spiffe://cluster.local/ns/default/sa/server'
export const CLIENT_ID = 'spiffe://cluster.local/ns/default/sa/client'

export interface PairFiles {
  readonly chain: string
  readonly key: string
  /** Both in one file, as HAProxy wants them. */
  readonly both: string
}

export interface TlsFiles {
  readonly roots: string
  readonly server: PairFiles
  readonly client: PairFiles
}

export async function createTlsFiles(directory: string): Promise<TlsFiles> {
  const authority = await TestAuthority.create()
  const write = (name: string, text: string): string => {
    const file = join(directory, name)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }
  const pair = (name: string, { certificateChain, privateKey }: KeyPair): PairFiles => ({
    chain: write(`${name}.pem`, certificateChain),
    key: write(`${name}.key`, privateKey),
    both: write(`${name}-both.pem`, certificateChain + privateKey),
  })
  const names = (id: string) =>
    [
      { type: 'url', value: id },
      { type: 'dns', value: SERVER_NAME },
      { type: 'ip', value: '127.0.0.1' },
    ] as const
  return {
    roots: write('roots.pem', authority.bundle),
    server: pair('server', await authority.issue({ names: names(SERVER_ID) })),
    client: pair('client', await authority.issue({ names: names(CLIENT_ID) })),
  }
}
