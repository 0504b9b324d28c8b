// Two proxies with a tunnel between them, in every pairing of Envoy and Weft: each pair is compared with two Envoys.
import { once } from 'node:events'
import type { DifferentialCase, Observation } from './case.ts'
import { differences } from './comparison.ts'
import { HBONE_CLIENT, HBONE_SERVER, hboneCases, SERVER_LISTENER } from './generate/hbone.ts'
import type { Field } from './message.ts'
import { type CaseResult, named } from './run-cases.ts'
import { playScript } from './script/play.ts'
import type { ScriptDialogue } from './script/script.ts'
import { Side, type SideName } from './side.ts'
import { connectTo, type Talk } from './talk.ts'
import type { Received } from './upstreams.ts'

const NAMES = ['envoy', 'weft'] as const
const PLAIN = 'plain'
/** At once, of one connection between the proxies. */
const STREAMS = 100
/** A bound against hanging, not a figure. */
const CROWD_LIMIT_MS = 60_000

interface Pair {
  readonly name: string
  readonly observations: readonly Observation[]
  /** What clients heard that began at once. */
  readonly crowd: string
}

/** Names of cases begin with the pair: `hbone/CLIENT-SERVER/`. */
export async function runHbone(seed: number, generated: number): Promise<readonly CaseResult[]> {
  const cases = hboneCases(seed, generated)
  const pairs = (await Promise.all(NAMES.map(server => pairsInto(server, cases)))).flat()
  const oracle = pairs.find(({ name }) => name === 'envoy-envoy')!
  return pairs
    .filter(pair => pair !== oracle)
    .flatMap(pair => [
      ...cases.map((each, index): CaseResult => {
        const [envoy, weft] = [oracle.observations[index]!, pair.observations[index]!]
        const named = { ...each, name: `hbone/${pair.name}/${each.name}` }
        return { case: named, envoy, weft, differences: differences(envoy, weft) }
      }),
      crowdResult(oracle, pair, cases[0]!),
    ])
}

/** Those with this server, one after the other: its upstreams hear one client at a time. */
async function pairsInto(server: SideName, cases: readonly DifferentialCase[]): Promise<readonly Pair[]> {
  const far = await Side.start(server, HBONE_SERVER)
  try {
    const pairs: Pair[] = []
    for (const client of NAMES) pairs.push(await observePair(client, far, cases))
    return pairs
  } finally {
    await far.stop()
  }
}

async function observePair(client: SideName, far: Side, cases: readonly DifferentialCase[]): Promise<Pair> {
  const near = await Side.start(client, HBONE_CLIENT, far.port(SERVER_LISTENER))
  try {
    const before = (await far.logs(PLAIN)).length
    const talks: Talk[] = []
    const received: (readonly Received[])[] = []
    // There, and back.
    const caughtUp = async (): Promise<void> => {
      for (const side of [near, far, near]) await side.caughtUp()
    }
    for (const { listener, dialogue } of cases) {
      far.upstreams.take()
      talks.push(await playScript(near.port(listener), dialogue as ScriptDialogue, far.upstreams, caughtUp))
      received.push(far.upstreams.take())
    }
    far.upstreams.take()
    const crowd = await hearCrowd(near.port('into-bytes'), far)
    const ownLog = await near.logs(PLAIN)
    const farLog = (await far.logs(PLAIN)).slice(before)
    const observations = talks.map((talk, index): Observation => {
      const own = ownLog.filter(({ port }) => Number(port) === talk.localPort)
      // What an inner listener logs knows no port, but a path that is this case's own.
      const path = `/${cases[index]!.listener.replace('into-', '')}`
      const theirs = farLog.filter(entry => entry['request_a'] === String(talk.localPort) || entry['path'] === path)
      const log = [
        ...own.map(entry => ({ ...entry, endpoint: '(the other proxy)' })),
        ...theirs.map(entry => ({ ...named(entry, far), request_a: '(port)', mixed: '(port)' })),
      ]
      return { talk: withStatusOnly(talk), received: received[index]!, log }
    })
    return { name: `${client}-${far.name}`, observations, crowd }
  } finally {
    await near.stop()
  }
}

/** Of a response that came as bytes: its fields are of dates and times, and in any order. */
function withStatusOnly(talk: Talk): Talk {
  const facts = (talk.facts ?? []).map(
    ([name, value]): Field =>
      name === 'client heard' && value.startsWith('HTTP/1.1 ') ? [name, value.slice(0, 12)] : [name, value],
  )
  return { ...talk, facts }
}

/** Each says a number, hears it back, and hears the end. */
async function hearCrowd(port: number, far: Side): Promise<string> {
  const heard = Promise.all(
    Array.from({ length: STREAMS }, async (_, number) => {
      const socket = await connectTo(port, true)
      socket.on('error', () => {})
      let text = ''
      socket.on('data', chunk => {
        text += chunk.toString('latin1')
      })
      socket.on('end', () => socket.end())
      socket.write(`${number};`)
      await once(socket, 'close')
      return `${number} heard ${text}`
    }),
  )
  const answered = new Set<unknown>()
  const deadline = performance.now() + CROWD_LIMIT_MS
  while (answered.size < STREAMS && performance.now() < deadline) {
    for (const end of far.upstreams.ends) {
      if (answered.has(end) || !end.heard.endsWith(';')) continue
      answered.add(end)
      end.send(end.heard)
      end.end()
    }
    await new Promise(wake => setTimeout(wake, 2))
  }
  if (answered.size < STREAMS) return `${answered.size} streams`
  return (await heard).join(', ')
}

function crowdResult(oracle: Pair, pair: Pair, any: DifferentialCase): CaseResult {
  const observed = (crowd: string): Observation => ({
    talk: { localPort: 0, responses: [], end: 'closed', leftover: '', facts: [['heard', crowd]] },
    received: [],
    log: [],
  })
  const [envoy, weft] = [observed(oracle.crowd), observed(pair.crowd)]
  const named = { ...any, name: `hbone/${pair.name}/bytes/at-once` }
  return { case: named, envoy, weft, differences: differences(envoy, weft) }
}
