// What is known of one connected proxy: what it was sent, what it answered, and up to which revision it is done.
import { type ResourceType, SEND_ORDER } from '../../xds/type-url.ts'

export type SyncState = 'SYNCED' | 'STALE' | 'NOT SENT' | 'ERROR'

export interface TypeStatus {
  readonly state: SyncState
  /** Of the last response sent. */
  readonly version: string
  readonly nonce: string
  /** When it was sent or answered, milliseconds since the epoch; 0: never. */
  readonly at: number
  /** Why the proxy refused it. */
  readonly error?: string
}

export const SHORT_NAME: Readonly<Record<ResourceType, string>> = {
  cluster: 'CDS',
  endpoint: 'EDS',
  secret: 'SDS',
  listener: 'LDS',
  route: 'RDS',
}

const NOT_SENT: TypeStatus = { state: 'NOT SENT', version: '', nonce: '', at: 0 }
const MAX_REVISIONS = 100

export interface ProxyIdentity {
  /** The xDS node's id. */
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly kind: 'sidecar' | 'router' | 'grpc'
  /** Of the proxy's software. */
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly connectedAt: number
}

export class ProxyStatus {
  readonly identity: ProxyIdentity
  readonly #onChange: () => void
  readonly #types = new Map<ResourceType, TypeStatus>(SEND_ORDER.map(type => [type, NOT_SENT]))
  readonly #affected = new Map<number, Set<ResourceType>>()
  #settledRevision = -1

  constructor(identity: ProxyIdentity, onChange: () => void) {
    this.identity = identity
    this.#onChange = onChange
  }

  type(type: ResourceType): TypeStatus {
    return this.#types.get(type) ?? NOT_SENT
  }

  /** The newest revision that the proxy has been told everything of, and has answered. */
  get settledRevision(): number {
    return this.#settledRevision
  }

  /** Types of which something had to be sent because of the revision; empty: the proxy was not concerned. */
  affectedBy(revision: number): readonly ResourceType[] {
    return [...(this.#affected.get(revision) ?? [])]
  }

  sent(type: ResourceType, version: string, nonce: string, at: number, revision: number): void {
    this.#types.set(type, { state: 'STALE', version, nonce, at })
    const affected = this.#affected.get(revision) ?? new Set()
    this.#affected.set(revision, affected.add(type))
    const oldest = this.#affected.keys().next().value
    if (this.#affected.size > MAX_REVISIONS && oldest !== undefined) this.#affected.delete(oldest)
  }

  acknowledged(type: ResourceType, at: number): void {
    const { version, nonce } = this.type(type)
    this.#types.set(type, { state: 'SYNCED', version, nonce, at })
    this.#onChange()
  }

  /** Nothing had to be sent on this stream: a proxy that came back holds it all from an earlier one. */
  upToDate(type: ResourceType, version: string, at: number): void {
    if (this.type(type).state === 'NOT SENT') this.#types.set(type, { state: 'SYNCED', version, nonce: '', at })
  }

  refused(type: ResourceType, error: string, at: number): void {
    const { version, nonce } = this.type(type)
    this.#types.set(type, { state: 'ERROR', version, nonce, at, error })
    this.#onChange()
  }

  settled(revision: number): void {
    if (revision === this.#settledRevision) return
    this.#settledRevision = revision
    this.#onChange()
  }

  /** Short names and reasons of the types that the proxy refused last. */
  get errors(): readonly string[] {
    return [...this.#types].flatMap(([type, { state, error }]) =>
      state === 'ERROR' ? [`${SHORT_NAME[type]}: ${error ?? ''}`] : [],
    )
  }
}
