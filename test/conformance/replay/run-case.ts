// Runs every request of a case through Weft and says what became of it, in the form of the recorded outcomes.
import type { CaseFile, CaseRequest, Outcome } from '../case-file.ts'
import { outcomeOf, type RawResult } from '../outcome.ts'
import { type Answer, listenerOf, send } from './client.ts'
import { startUpstream, type Upstream } from './echo-upstream.ts'
import { linkCase, nodeOf } from './linked-case.ts'
import { type LogLine, MeshProxy } from './mesh-proxy.ts'

/**
 * Outcomes in the order of the case's requests. Throws when Weft refuses the config. One request at a time, unless their
 * order does not matter.
 */
export async function runCase(file: CaseFile, concurrency = 1): Promise<readonly Outcome[]> {
  const upstreams = new Map<string, Upstream>()
  const results: Outcome[] = []
  try {
    for (const [address, behaviour] of Object.entries(file.upstreams)) {
      upstreams.set(address, await startUpstream(behaviour))
    }
    const mesh = linkCase(file)
    const ports = new Map([...upstreams].map(([address, { port }]) => [address, port]))
    const first = Object.keys(file.proxies)[0]
    for (const [name, proxy] of Object.entries(file.proxies)) {
      const requests = [...file.requests.entries()].filter(([, request]) => (request.proxy ?? first) === name)
      const outcomes = await runProxy(await MeshProxy.start(mesh, nodeOf(name, proxy), ports), requests, concurrency)
      for (const [index, outcome] of outcomes) results[index] = outcome
    }
  } finally {
    await Promise.all([...upstreams.values()].map(upstream => upstream.close()))
  }
  return results
}

interface Sent {
  readonly answer: Answer
  readonly destinations: Record<string, number>
  /** The `x-request-id` it was sent with. */
  readonly id: string
  /** How many before it came from the same port of the client. */
  readonly turn: number
  /** Of its last repetition, among all that the proxy is sent. */
  readonly place: number
}

type Numbered = readonly [number, CaseRequest]

async function runProxy(
  proxy: MeshProxy,
  requests: readonly Numbered[],
  concurrency: number,
): Promise<ReadonlyMap<number, Outcome>> {
  const sent = new Map<number, Sent>()
  const turns = new Map<number | undefined, number>()
  const total = requests.reduce((sum, [, { repeat = 1 }]) => sum + repeat, 0)
  let place = -1
  const queue = requests[Symbol.iterator]()
  const work = async (): Promise<void> => {
    for (const [index, request] of queue) {
      place += request.repeat ?? 1
      sent.set(index, { ...(await sendAll(proxy, index, request, turns)), place })
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, work))
    await proxy.logged(total)
  } finally {
    await proxy.stop()
  }
  const lines = proxy.logLines()
  const byId = new Map(lines.map(line => [line['request_id'], line]))
  const byPort = Map.groupBy(lines, portOf)
  const inOrder = concurrency === 1 && lines.length === total
  return new Map(
    requests.map(([index, request]) => {
      const entry = sent.get(index)!
      // A gateway replaces the request id, so its lines are told apart by the client's port; one that trusts proxies before
      // it knows another client, and its lines by their order.
      const own = byId.get(entry.id) ?? byPort.get(String(entry.answer.localPort))?.[entry.turn]
      const line = own ?? (inOrder ? lines[entry.place] : undefined)
      return [index, outcomeOf(rawResult(request, entry, line))]
    }),
  )
}

/** As often as the case says. */
async function sendAll(
  proxy: MeshProxy,
  index: number,
  request: CaseRequest,
  turns: Map<number | undefined, number>,
): Promise<Omit<Sent, 'place'>> {
  const { address, port } = listenerOf(request)
  const target = proxy.network.listenerPort(address, port)
  const destinations: Record<string, number> = {}
  let answer: Answer = { error: 'ECONNREFUSED' }
  let id = ''
  let turn = 0
  for (let n = 0; n < (request.repeat ?? 1); n++) {
    id = `case-${index}-${n}`
    if (target !== undefined) answer = await send(target, request, id)
    turn = turns.get(answer.localPort) ?? 0
    turns.set(answer.localPort, turn + 1)
    const key = answer.error ?? `${answer.status} ${answer.headers?.['x-upstream'] ?? '-'}`
    destinations[key] = (destinations[key] ?? 0) + 1
  }
  return { answer, destinations, id, turn }
}

function portOf(line: LogLine): string {
  return String(line['downstream_remote_address']).split(':').at(-1) ?? ''
}

function rawResult(request: CaseRequest, { answer, destinations }: Sent, line: LogLine | undefined): RawResult {
  const { error, status, headers, body } = answer
  const outcome =
    error !== undefined
      ? { error }
      : status === undefined
        ? { body }
        : { status, headers: { ...headers } as Record<string, string>, body: parsed(body) }
  return {
    outcome,
    ...(request.repeat === undefined ? {} : { destinations }),
    log: line === undefined ? null : logOf(line),
  }
}

function logOf(line: LogLine): NonNullable<RawResult['log']> {
  const text = (key: string): string | null => (typeof line[key] === 'string' ? line[key] : null)
  return {
    flags: text('response_flags') ?? '',
    details: text('response_code_details'),
    // Envoy 1.40 ends the name with a semicolon where istiod gave an alternative one for the statistics.
    cluster: text('upstream_cluster')?.replace(/;$/, '') ?? null,
    route: text('route_name'),
    host: text('upstream_host'),
  }
}

function parsed(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? '')
  } catch {
    return body ?? ''
  }
}
