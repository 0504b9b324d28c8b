// Lets requests through by policy, or answers 403. Shadow rules only say what they would have done.

import type { RequestHead } from '../../../../transport/request-head.ts'
import { failure } from '../../../http/local-reply.ts'
import type { FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import { type RbacConfig, RbacRules } from './config.ts'
import type { Engine } from './engine.ts'
import { type MetadataKeys, NAMESPACE } from './metadata-keys.ts'

const DENIED_BY_NONE = failure(403, 'rbac_access_denied_matched_policy[none]', 0, 'RBAC: access denied')

export class RbacFilter implements HttpFilter {
  readonly #stream: FilterStream
  readonly #name: string
  readonly #config: RbacConfig

  constructor(stream: FilterStream, name: string, config: RbacConfig) {
    this.#stream = stream
    this.#name = name
    this.#config = config
  }

  decodeHeaders(_head: RequestHead, _endStream: boolean): HeadersStatus {
    const ofRoute = this.#stream.routeConfig(this.#name)
    const config = this.#config
    const rules = ofRoute instanceof RbacRules ? ofRoute : config.rules
    if (rules.shadow !== null) this.#judgeShadow(rules.shadow, rules.shadowKeys ?? config.shadowKeys)
    if (rules.enforced === null) return 'continue'
    return this.#judge(rules.enforced, rules.enforcedKeys ?? config.enforcedKeys) ? 'continue' : 'stop'
  }

  #judgeShadow(engine: Engine, keys: MetadataKeys): void {
    const { info } = this.#stream
    const found = engine.find(this.#stream)
    const allowed = engine.allows(found)
    const total = allowed ? this.#config.stats.shadowAllowed : this.#config.stats.shadowDenied
    total.value++
    if (found !== null) {
      const counter = allowed ? found.allowed : found.denied
      if (counter !== null) counter.value++
      info.addMetadata(NAMESPACE, keys.policy, found.name)
    }
    info.addMetadata(NAMESPACE, keys.result, allowed ? 'allowed' : 'denied')
  }

  #judge(engine: Engine, keys: MetadataKeys): boolean {
    const { info } = this.#stream
    const found = engine.find(this.#stream)
    const allowed = engine.allows(found)
    const total = allowed ? this.#config.stats.allowed : this.#config.stats.denied
    total.value++
    if (engine.action === 'log') info.addMetadata('envoy.common', 'access_log_hint', found === null ? 'false' : 'true')
    if (found !== null) {
      const counter = allowed ? found.allowed : found.denied
      if (counter !== null) counter.value++
      info.addMetadata(NAMESPACE, keys.policy, found.name)
    }
    info.addMetadata(NAMESPACE, keys.result, allowed ? 'allowed' : 'denied')
    if (!allowed) this.#stream.localReply(found === null ? DENIED_BY_NONE : found.denial)
    return allowed
  }
}
