// Answers a browser's preflight in the upstream's place, and says on responses which origin may read them (Fetch, 3.2).
import type { Random } from '../../../../base/random.ts'
import { getHeader, type HeaderList, setHeader } from '../../../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import { CorsPolicy } from '../../../route/cors-policy.ts'
import type { Counter } from '../../../stats/stats-scope.ts'
import type { FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'

export interface CorsTools {
  readonly name: string
  readonly random: Random
  readonly originValid: Counter
  readonly originInvalid: Counter
}

export class CorsFilter implements HttpFilter {
  readonly #stream: FilterStream
  readonly #tools: CorsTools
  #policy: CorsPolicy | null = null
  /** Set when its origin may read the response. */
  #origin: string | null = null

  constructor(stream: FilterStream, tools: CorsTools) {
    this.#stream = stream
    this.#tools = tools
  }

  decodeHeaders(head: RequestHead, _endStream: boolean): HeadersStatus {
    const origin = getHeader(head.headers, 'origin')
    if (origin === undefined || origin === '') return 'continue'
    const policy = this.#findPolicy()
    if (policy === null) return 'continue'
    const enabled = this.#draws(policy.enabled)
    if (!enabled && !this.#draws(policy.shadowEnabled)) return 'continue'
    const allowed = allowsOrigin(policy, origin)
    const counter = allowed ? this.#tools.originValid : this.#tools.originInvalid
    counter.value++
    if (!enabled) return 'continue'
    if (allowed) {
      this.#policy = policy
      this.#origin = origin
    }
    const method = getHeader(head.headers, 'access-control-request-method')
    if (head.method !== 'OPTIONS' || method === undefined || method === '') return 'continue'
    if (!allowed && policy.forwardsForeignPreflights !== false) return 'continue'
    this.#stream.localReply(preflightReply(preflightFields(policy, head.headers, method, allowed ? origin : '')))
    return 'stop'
  }

  encodeHeaders(head: ResponseHead, _endStream: boolean): HeadersStatus {
    const policy = this.#policy
    if (policy === null) return 'continue'
    const { headers } = head
    setHeader(headers, 'access-control-allow-origin', this.#origin!)
    if (policy.credentials === true) setHeader(headers, 'access-control-allow-credentials', 'true')
    if (policy.exposeHeaders !== '') setHeader(headers, 'access-control-expose-headers', policy.exposeHeaders)
    return 'continue'
  }

  /** Only requests that go to a cluster have one; the deprecated fields count where no level speaks to the filter itself. */
  #findPolicy(): CorsPolicy | null {
    const stream = this.#stream
    if (stream.clusterChoice() === null) return null
    const own = stream.routeConfig(this.#tools.name)
    return own instanceof CorsPolicy ? own : stream.routeFilters()!.cors
  }

  #draws(share: number): boolean {
    return share > 0 && (share >= 1 || this.#tools.random.next() < share)
  }
}

/** A matcher that takes `*` takes any origin (Envoy). */
function allowsOrigin({ origins }: CorsPolicy, origin: string): boolean {
  for (let i = 0; i < origins.length; i++) if (origins[i]!('*') || origins[i]!(origin)) return true
  return false
}

function preflightReply(headers: HeaderList): LocalReply {
  const details = 'cors_response'
  return { status: 200, body: '', details, flags: 0, headers, isFailure: false, isFinal: true, isOwnAnswer: true }
}

/** `*` is spelt out as what was asked for: with credentials browsers take no `*`. */
function preflightFields(policy: CorsPolicy, request: HeaderList, method: string, origin: string): HeaderList {
  const fields: HeaderList = []
  if (origin !== '') fields.push('access-control-allow-origin', origin)
  if (policy.credentials === true) fields.push('access-control-allow-credentials', 'true')
  if (policy.methods !== '')
    fields.push('access-control-allow-methods', policy.methods === '*' ? method : policy.methods)
  if (policy.headers !== '') {
    const asked = getHeader(request, 'access-control-request-headers') ?? ''
    fields.push('access-control-allow-headers', policy.headers === '*' ? asked : policy.headers)
  }
  if (policy.maxAge !== '') fields.push('access-control-max-age', policy.maxAge)
  if (policy.privateNetwork === true && getHeader(request, 'access-control-request-private-network') === 'true')
    fields.push('access-control-allow-private-network', 'true')
  return fields
}
