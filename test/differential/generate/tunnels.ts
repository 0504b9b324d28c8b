// Tunnels: CONNECT and upgrades between HTTP/1.1 and HTTP/2 in every pairing, CONNECT that ends at the proxy, and bytes
// that the proxy itself sends through a tunnel; agreed to and refused, with bytes before the agreement.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { DifferentialCase } from '../case.ts'
import { DEAD_CLUSTER, type ListenerPlan } from '../plan.ts'
import type { Agreement, Opening } from '../script/end.ts'
import type { ScriptDialogue, Step } from '../script/script.ts'
import type { Arbitrary } from './words.ts'

const CLUSTERS = ['bytes', 'streams', DEAD_CLUSTER] as const
const WEBSOCKET: JsonObject = { upgrade_type: 'websocket' }
const CONNECT: JsonObject = { upgrade_type: 'CONNECT' }
const connect: JsonObject = { connect_matcher: {} }

const host = (cluster: string): JsonObject => ({
  name: cluster,
  domains: [`${cluster}.test`, `${cluster}.test:80`],
  routes: [
    { name: 'connect', match: connect, route: { cluster } },
    { name: 'off', match: { prefix: '/off' }, route: { cluster, upgrade_configs: [{ ...WEBSOCKET, enabled: false }] } },
    { name: 'upgrade', match: { prefix: '/' }, route: { cluster } },
  ],
})
/** What is inside goes on as bytes. */
const ending = (cluster: string): JsonObject => ({
  name: `end-${cluster}`,
  domains: [`end-${cluster}.test`, `end-${cluster}.test:80`],
  routes: [
    {
      name: 'connect',
      match: connect,
      route: { cluster, upgrade_configs: [{ ...CONNECT, connect_config: {} }] },
    },
  ],
})

const manager = (codec_type: string): JsonObject => ({
  codec_type,
  upgrade_configs: [WEBSOCKET, CONNECT],
  ...(codec_type === 'HTTP2' ? { http2_protocol_options: { allow_connect: true } } : {}),
})
const downstream = (name: string, codec: string): ListenerPlan => ({
  name,
  virtualHosts: [...CLUSTERS.map(host), ending('bytes'), ending(DEAD_CLUSTER)],
  connectionManager: manager(codec),
})

const HTTP1 = 'tunnel-http1'
const HTTP2 = 'tunnel-http2'
const OFF = 'tunnel-off'
const INTO = ['bytes', 'streams', DEAD_CLUSTER].map(
  (cluster): ListenerPlan => ({
    name: `tunnel-into-${cluster}`,
    virtualHosts: [],
    tcpProxy: {
      cluster,
      tunneling_config: {
        hostname: 'far.test:443',
        headers_to_add: [{ header: { key: 'x-tunnel', value: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' } }],
      },
    },
  }),
)

export const TUNNEL_LISTENERS: readonly ListenerPlan[] = [
  downstream(HTTP1, 'HTTP1'),
  downstream(HTTP2, 'HTTP2'),
  { name: OFF, virtualHosts: CLUSTERS.map(host) },
  ...INTO,
]

export const bytes = fc.constantFrom('a', 'hello', '\0\xff\r\n', 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(5_000))
export const traffic: Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: bytes.map((send): Step => ({ by: 'client', send })) },
  { weight: 4, arbitrary: bytes.map((send): Step => ({ by: 'upstream', send })) },
  { weight: 2, arbitrary: fc.constantFrom<Step[]>({ by: 'client', does: 'end' }, { by: 'upstream', does: 'end' }) },
  { weight: 1, arbitrary: fc.constantFrom<Step[]>({ by: 'client', does: 'reset' }, { by: 'upstream', does: 'reset' }) },
)
const tunnelled = fc.array(traffic, { minLength: 1, maxLength: 4 })
const early = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step[]>([]) },
  { weight: 1, arbitrary: bytes.map((send): Step[] => [{ by: 'client', send }]) },
)

const CONNECT_AGREEMENTS: Readonly<Record<string, Agreement>> = {
  agreed: { status: 200 },
  'agreed-204': { status: 204 },
  refused: { status: 403, last: true },
  'refused-503': { status: 503, fields: [['x-why', 'busy']], last: true },
}
const UPGRADE_AGREEMENTS = (isHttp2: boolean): Readonly<Record<string, Agreement>> => ({
  agreed: isHttp2
    ? { status: 200, fields: [['x-a', 'b']] }
    : {
        status: 101,
        fields: [
          ['connection', 'Upgrade'],
          ['upgrade', 'websocket'],
          ['x-a', 'b'],
        ],
      },
  refused: { status: 403, last: true },
  'not-found': { status: 404, last: true },
})

interface Tunnel {
  readonly name: string
  readonly listener: string
  readonly client: ScriptDialogue['client']
  readonly opening: Opening | null
  /** By whom the tunnel is agreed to; null: nobody is asked. */
  readonly agreements: Readonly<Record<string, Agreement>> | null
}

const versions = [
  { listener: HTTP1, client: 'bytes' },
  { listener: HTTP2, client: 'http2' },
] as const
const TUNNELS: readonly Tunnel[] = [
  ...versions.flatMap(({ listener, client }) =>
    CLUSTERS.flatMap((cluster): Tunnel[] => {
      const authority = `${cluster}.test`
      const websocket = { method: 'GET', authority, upgrade: 'websocket' }
      const agreements = UPGRADE_AGREEMENTS(cluster === 'streams')
      return [
        {
          name: `connect-${cluster}`,
          listener,
          client,
          opening: { method: 'CONNECT', path: '', authority: `${authority}:80` },
          agreements: CONNECT_AGREEMENTS,
        },
        { name: `upgrade-${cluster}`, listener, client, opening: { ...websocket, path: '/ws?x' }, agreements },
        { name: `upgrade-off-${cluster}`, listener, client, opening: { ...websocket, path: '/off' }, agreements },
        {
          name: `upgrade-unknown-${cluster}`,
          listener,
          client,
          opening: { ...websocket, path: '/', upgrade: 'other' },
          agreements,
        },
      ]
    }),
  ),
  ...versions.flatMap(({ listener, client }) =>
    ['bytes', DEAD_CLUSTER].map(
      (cluster): Tunnel => ({
        name: `end-${cluster}`,
        listener,
        client,
        opening: { method: 'CONNECT', path: '', authority: `end-${cluster}.test:80`, fields: [['x-a', 'b']] },
        agreements: null,
      }),
    ),
  ),
  {
    name: 'connect',
    listener: OFF,
    client: 'bytes',
    opening: { method: 'CONNECT', path: '', authority: 'bytes.test:80' },
    agreements: CONNECT_AGREEMENTS,
  },
  {
    name: 'upgrade',
    listener: OFF,
    client: 'bytes',
    opening: { method: 'GET', path: '/', authority: 'bytes.test', upgrade: 'websocket' },
    agreements: UPGRADE_AGREEMENTS(false),
  },
  ...INTO.map(
    ({ name: listener }): Tunnel => ({
      name: 'connect',
      listener,
      client: 'bytes',
      opening: null,
      agreements: CONNECT_AGREEMENTS,
    }),
  ),
]

const talks = ({ client, opening, agreements }: Tunnel): Arbitrary<{ how: string; dialogue: ScriptDialogue }> =>
  fc
    .record({
      agreement:
        agreements === null
          ? fc.constant(null)
          : fc.constantFrom(...Object.entries(agreements), ...agreedTwice(agreements)),
      early,
      tunnelled,
    })
    .map(({ agreement, early, tunnelled }) => ({
      how: `${agreement?.[0] ?? 'ended-here'}${early.length > 0 ? '-early' : ''}${halfCloses(tunnelled) ? '-half-closed' : ''}`,
      dialogue: {
        protocol: 'script',
        client,
        steps: [
          ...(opening === null ? [] : [{ by: 'client', open: opening } as const]),
          ...early,
          ...(agreement === null ? [] : [{ by: 'upstream', agree: agreement[1] } as const]),
          ...tunnelled,
        ],
      },
    }))

/** Whether the client ends its half of the tunnel first. */
function halfCloses(steps: readonly Step[]): boolean {
  const end = steps.find(step => 'does' in step)
  return end !== undefined && 'does' in end && end.by === 'client' && end.does === 'end'
}

/** What is agreed to is worth more cases than what is refused. */
function agreedTwice(agreements: Readonly<Record<string, Agreement>>): [string, Agreement][] {
  const agreed: [string, Agreement] = ['agreed', agreements['agreed']!]
  return [agreed, agreed]
}

export function tunnelCases(seed: number, each: number): readonly DifferentialCase[] {
  return TUNNELS.flatMap((tunnel, which) =>
    fc
      .sample(talks(tunnel), { seed: seed * 1_000 + which, numRuns: each })
      .map(({ how, dialogue }, index): DifferentialCase => {
        const { name, listener } = tunnel
        return { name: `${listener}/${name}/${how}/${seed}.${index}`, listener, dialogue }
      }),
  )
}

const upgrading: Opening = { method: 'GET', path: '/ws', authority: 'bytes.test', upgrade: 'websocket' }
const agreed: Step = { by: 'upstream', agree: UPGRADE_AGREEMENTS(false)['agreed']! }

/** Ends that differ. */
export const TUNNELS_BY_HAND: readonly DifferentialCase[] = [
  byHand(HTTP1, 'upgrade-bytes/ignored', 'bytes', [
    { by: 'client', open: upgrading },
    { by: 'upstream', send: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok' },
    { by: 'client', does: 'wait' },
  ]),
  byHand(HTTP2, 'upgrade-bytes/agreed', 'http2', [
    { by: 'client', open: upgrading },
    agreed,
    { by: 'client', does: 'end' },
  ]),
  byHand(INTO[0]!.name, 'connect/agreed-half-closed', 'bytes', [
    { by: 'upstream', agree: CONNECT_AGREEMENTS['agreed']! },
    { by: 'client', does: 'end' },
  ]),
]

function byHand(
  listener: string,
  name: string,
  client: ScriptDialogue['client'],
  steps: readonly Step[],
): DifferentialCase {
  return { name: `${listener}/${name}/corpus`, listener, dialogue: { protocol: 'script', client, steps } }
}
