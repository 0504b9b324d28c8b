// scheme_header_transformation: what endpoints, routes and the log see of a scheme that config has set.
import type { JsonObject } from '@bufbuild/protobuf'
import type { DifferentialCase } from '../case.ts'
import type { Field } from '../message.ts'
import type { ListenerPlan } from '../plan.ts'

const SCHEMES = ['http', 'https'] as const
const scheme = (exact: string): JsonObject => ({ headers: [{ name: ':scheme', string_match: { exact } }] })
const proto = (exact: string): JsonObject => ({ headers: [{ name: 'x-forwarded-proto', string_match: { exact } }] })
const forward = (name: string, match: JsonObject, cluster: string): JsonObject => ({
  name,
  match: { prefix: '/', ...match },
  route: { cluster },
})

const VIRTUAL_HOSTS: readonly JsonObject[] = [
  {
    name: 'matched',
    domains: ['a.test'],
    routes: [
      forward('secure', scheme('https'), 'delta'),
      forward('plain', scheme('http'), 'delta'),
      forward('other', {}, 'delta'),
    ],
  },
  {
    name: 'forwarded',
    domains: ['b.test'],
    routes: [forward('secure', proto('https'), 'delta'), forward('plain', proto('http'), 'alpha')],
  },
  {
    name: 'redirected',
    domains: ['c.test'],
    routes: [{ match: { prefix: '/' }, redirect: { host_redirect: 'd.test' } }],
  },
  { name: 'secured', domains: ['e.test'], require_tls: 'ALL', routes: [forward('e', {}, 'alpha')] },
]

export const SCHEME_LISTENERS: readonly ListenerPlan[] = SCHEMES.flatMap(scheme_to_overwrite =>
  (['HTTP1', 'HTTP2'] as const).map(codec => ({
    name: `scheme-${scheme_to_overwrite}-${codec}`,
    virtualHosts: VIRTUAL_HOSTS,
    connectionManager: { codec_type: codec, scheme_header_transformation: { scheme_to_overwrite } },
    log: { format: { scheme: '%REQ(:SCHEME)% %REQ(X-FORWARDED-PROTO)%' } },
  })),
)

const ASKED: Readonly<Record<string, readonly Field[]>> = {
  plain: [],
  'forwarded-https': [['x-forwarded-proto', 'https']],
  'forwarded-odd': [['x-forwarded-proto', 'ftp']],
}

export const SCHEME_CASES: readonly DifferentialCase[] = SCHEMES.flatMap(set =>
  ['a', 'b', 'c', 'e'].flatMap(domain =>
    Object.entries(ASKED).flatMap(([asked, fields]): DifferentialCase[] => {
      const name = `scheme-${set}/${domain}-${asked}`
      const lines = fields.map(([field, value]) => `${field}: ${value}\r\n`).join('')
      return [
        {
          name: `${name}-h1`,
          listener: `scheme-${set}-HTTP1`,
          dialogue: {
            protocol: 'http1',
            writes: [`GET / HTTP/1.1\r\nhost: ${domain}.test\r\n${lines}\r\n`],
            methods: ['GET'],
          },
        },
        ...SCHEMES.map(
          (asks): DifferentialCase => ({
            name: `${name}-${asks}-h2`,
            listener: `scheme-${set}-HTTP2`,
            dialogue: {
              protocol: 'http2',
              fields: [
                [':method', 'GET'],
                [':scheme', asks],
                [':authority', `${domain}.test`],
                [':path', '/'],
                ...fields,
              ],
              body: '',
              trailers: [],
            },
          }),
        ),
      ]
    }),
  ),
)
