// Does every case to both proxies at once, one after the other, and tells what differs.
import type { DifferentialCase, Observation } from './case.ts'
import { type Difference, differences } from './comparison.ts'
import { talkHttp1 } from './http1/client.ts'
import { talkHttp2 } from './http2/client.ts'
import { talkFrames } from './http2/frames-client.ts'
import type { ListenerPlan } from './plan.ts'
import { playScript } from './script/play.ts'
import { type LogEntry, Side } from './side.ts'
import type { Talk } from './talk.ts'
import type { Received } from './upstreams.ts'

/** Cases that are done at the same time begin one after the other: what they measure is not how fast a machine begins. */
const BETWEEN_MS = 8

export interface CaseResult {
  readonly case: DifferentialCase
  readonly envoy: Observation
  readonly weft: Observation
  readonly differences: readonly Difference[]
}

export async function runCases(
  listeners: readonly ListenerPlan[],
  cases: readonly DifferentialCase[],
): Promise<readonly CaseResult[]> {
  const started = await Promise.allSettled([Side.start('envoy', listeners), Side.start('weft', listeners)])
  const sides = started.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  try {
    const failed = started.find(outcome => outcome.status === 'rejected')
    if (failed) throw failed.reason
    const [envoy, weft] = await Promise.all(sides.map(side => observe(side, listeners[0]!.name, cases)))
    return cases.map((each, index) => {
      const seen = { envoy: envoy![index]!, weft: weft![index]! }
      return { case: each, ...seen, differences: differences(seen.envoy, seen.weft) }
    })
  } finally {
    await Promise.all(sides.map(side => side.stop()))
  }
}

interface Seen {
  readonly talk: Talk
  readonly received: readonly Received[]
}

async function observe(
  side: Side,
  listener: string,
  cases: readonly DifferentialCase[],
): Promise<readonly Observation[]> {
  const seen = new Map<DifferentialCase, Seen>()
  for (const each of cases) {
    if (each.beside !== undefined) continue
    side.upstreams.take()
    const heard = await talk(side, each)
    await side.upstreams.settled(() => side.caughtUp())
    seen.set(each, { talk: heard, received: side.upstreams.take() })
  }
  const together: Promise<void>[] = []
  for (const each of cases) {
    if (each.beside === undefined) continue
    together.push(
      talk(side, each).then(heard => {
        seen.set(each, { talk: heard, received: side.upstreams.take(each.beside) })
      }),
    )
    await new Promise(wake => setTimeout(wake, BETWEEN_MS))
  }
  await Promise.all(together)
  const byPort = Map.groupBy(await side.logs(listener), entry => Number(entry['port']))
  return cases.map(each => {
    const one = seen.get(each)!
    const entries = byPort.get(one.talk.localPort) ?? []
    const log = entries.filter(({ path }) => path !== '/probe').map(entry => named(entry, side))
    return each.dialogue.protocol === 'frames' ? inOrder({ ...one, log }) : { ...one, log }
  })
}

/**
 * Streams of one connection go their ways at their own pace: what is told of each is put in the order of their paths. Where
 * a connection breaks, it is chance what has gone upstream of all that was sent in the same breath.
 */
function inOrder({ talk, received, log }: Observation): Observation {
  const by = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  return {
    talk,
    received: (talk.end === 'closed' ? [] : received).toSorted((a, b) => by(a.request.startLine, b.request.startLine)),
    log: log.toSorted((a, b) => by(`${a['path']} ${a['details']}`, `${b['path']} ${b['details']}`)),
  }
}

export function named(entry: LogEntry, side: Side): LogEntry {
  const { endpoint } = entry
  return typeof endpoint === 'string' ? { ...entry, endpoint: side.clusterAt(endpoint) } : entry
}

function talk(side: Side, { listener, dialogue }: DifferentialCase): Promise<Talk> {
  const port = side.port(listener)
  if (dialogue.protocol === 'script') return playScript(port, dialogue, side.upstreams, () => side.caughtUp())
  if (dialogue.protocol === 'frames') return talkFrames(port, dialogue)
  if (dialogue.protocol === 'http2') return talkHttp2(port, dialogue)
  return talkHttp1(port, dialogue, () => side.caughtUp())
}
