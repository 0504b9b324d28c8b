// Lets requests through by policy, or answers 403. Shadow rules only say what they would have done.

import type { RequestHead } from '../../../../transport/request-head.ts'
import { failure } from '../../../http/local-reply.ts'
import type { FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import { RbacRules } from './config.ts'
import type { Engine } from './engine.ts'
import { type MetadataKeys, NAMESPACE } from './metadata-keys.ts'
import type { RbacStats } from './rbac-stats.ts'

const DENIED_BY_NONE = failure(403, 'rbac_access_denied_matched_policy[none]', 0, 'RBAC: access denied')

export class RbacFilter implements HttpFilter {
  readonly #stream: FilterStream
  readonly #name: string
  readonly #rules: RbacRules
  readonly #stats: RbacStats

  constructor(stream: FilterStream, name: string, rules: RbacRules, stats: RbacStats) {
    this.#stream = stream
    this.#name = name
    this.#rules = rules
    this.#stats = stats
  }

  decodeHeaders(_head: RequestHead, _endStream: boolean): HeadersStatus {
    const ofRoute = this.#stream.routeConfig(this.#name)
    const { enforced, shadow, keys } = ofRoute instanceof RbacRules ? ofRoute : this.#rules
    if (shadow !== null) this.#judgeShadow(shadow, keys)
    return enforced === null || this.#judge(enforced, keys) ? 'continue' : 'stop'
  }

  #judgeShadow(engine: Engine, keys: MetadataKeys): void {
    const { info } = this.#stream
    const found = engine.find(this.#stream)
    const allowed = engine.allows(found)
    const total = allowed ? this.#stats.shadowAllowed : this.#stats.shadowDenied
    total.value++
    if (found !== null) {
      const counter = allowed ? found.allowed : found.denied
      if (counter !== null) counter.value++
      info.addMetadata(NAMESPACE, keys.shadowPolicy, found.name)
    }
    info.addMetadata(NAMESPACE, keys.shadowResult, allowed ? 'allowed' : 'denied')
  }

  #judge(engine: Engine, keys: MetadataKeys): boolean {
    const { info } = this.#stream
    const found = engine.find(this.#stream)
    const allowed = engine.allows(found)
    const total = allowed ? this.#stats.allowed : this.#stats.denied
    total.value++
    if (engine.action === 'log') info.addMetadata('envoy.common', 'access_log_hint', found === null ? 'false' : 'true')
    if (found !== null) {
      const counter = allowed ? found.allowed : found.denied
      if (counter !== null) counter.value++
      info.addMetadata(NAMESPACE, keys.enforcedPolicy, found.name)
    }
    info.addMetadata(NAMESPACE, keys.enforcedResult, allowed ? 'allowed' : 'denied')
    if (!allowed) this.#stream.localReply(found === null ? DENIED_BY_NONE : found.denial)
    return allowed
  }
}
