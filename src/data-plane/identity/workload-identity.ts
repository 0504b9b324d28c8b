// Who this proxy is: one key, a certificate that is renewed in time, and the bundle it trusts.
import { status } from '@grpc/grpc-js'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { formatSpiffeId, parseSpiffeId, type SpiffeId } from '../../base/spiffe-id.ts'
import type { KeyPair } from '../../transport/tls/secure-context.ts'
import { Backoff } from '../backoff.ts'
import { type CertificateChain, readCertificateChain, readTrustBundle, withRootsOf } from './certificate-chain.ts'
import type { CertificateCall, CertificateSigner } from './certificate-client.ts'
import { createCertificateRequest, generateKey } from './certificate-request.ts'
import { IdentityFolder } from './identity-folder.ts'

export interface WorkloadIdentityOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Key, certificate and bundle are kept here. */
  readonly folder: string
  /** The trust domain is a wish; the authority's stands. */
  readonly spiffeId: SpiffeId
  /** PEM; null: only what an earlier run has kept. */
  readonly trustBundle: string | null
  /** `host:port` of the join port, where the token is taken. */
  readonly joinTarget: string
  /** `host:port` of the xDS port, where a certificate proves who asks. */
  readonly renewTarget: string
  /** The one-time token; null where there is none. */
  token(): string | null
  readonly sign: CertificateSigner
}

const CALL_TIMEOUT_MS = 10_000
/** A certificate with less than this left is not worth starting with. */
const LEAST_LIFE_MS = 5_000
/** Nor is one that comes with less worth taking. */
const LEAST_GRANTED_MS = 1_000
/** A suspended machine's timers stand still while its certificates grow old: the wall clock is looked at so often. */
const CLOCK_CHECK_MS = 60_000
const MAX_JITTER = 0.1
/** What may mend itself; anything else is an answer. */
const TRANSIENT: ReadonlySet<number> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
])

/** The control plane has said no, or there is nothing to ask with. Its message is for the user. */
export class IdentityRefused extends Error {}

export class WorkloadIdentity {
  readonly #options: WorkloadIdentityOptions
  readonly #folder: IdentityFolder
  readonly #key: string
  readonly #changed: (() => void)[] = []
  #trustBundle: string
  #chain: CertificateChain | null = null
  #keyPair: KeyPair | null = null
  #timer: Timer | null = null
  #stopped = false

  private constructor(options: WorkloadIdentityOptions, folder: IdentityFolder, key: string, trustBundle: string) {
    this.#options = options
    this.#folder = folder
    this.#key = key
    this.#trustBundle = trustBundle
  }

  /**
   * The identity on disk while it is valid, else a new one by the token. Waits while the control plane cannot be
   * reached, until `signal` ends it; throws IdentityRefused when waiting would not help.
   */
  static async open(options: WorkloadIdentityOptions, signal?: AbortSignal): Promise<WorkloadIdentity> {
    const folder = new IdentityFolder(options.folder)
    let key = folder.key
    if (key === null) {
      key = generateKey()
      folder.writeKey(key)
    }
    const kept = usableCertificate(folder, key, options)
    const bundle = kept?.bundle ?? options.trustBundle ?? folder.bundle
    if (bundle === null) throw new IdentityRefused('no trust bundle: name one with --trust-bundle')
    const identity = new WorkloadIdentity(options, folder, key, readTrustBundle(bundle))
    folder.writeBundle(identity.#trustBundle)
    if (kept) {
      identity.#take(kept.chain)
      identity.#scheduleRenewal(kept.chain.notBefore)
    } else {
      await identity.#join(signal)
      identity.#scheduleRenewal(options.clock.wallNow())
    }
    return identity
  }

  get keyPair(): KeyPair {
    if (this.#keyPair === null) throw new Error('identity used before it was opened')
    return this.#keyPair
  }

  get certificate(): CertificateChain {
    if (this.#chain === null) throw new Error('identity used before it was opened')
    return this.#chain
  }

  /** PEM. */
  get trustBundle(): string {
    return this.#trustBundle
  }

  get spiffeId(): string {
    return this.certificate.spiffeId
  }

  /** Called after the certificate or the bundle has changed. */
  onChange(listener: () => void): void {
    this.#changed.push(listener)
  }

  /** A new bundle from the control plane: kept on disk. Throws when it holds no readable certificate. */
  takeTrustBundle(pem: string): void {
    const bundle = readTrustBundle(pem)
    if (bundle === this.#trustBundle) return
    this.#trustBundle = bundle
    this.#folder.writeBundle(bundle)
    this.#announce()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async #join(signal: AbortSignal | undefined): Promise<void> {
    const token = this.#options.token()
    if (token === null)
      throw new IdentityRefused('no valid certificate on disk and no join token: name one with --token-file')
    const backoff = new Backoff(200, 5_000, this.#options.random)
    for (;;) {
      try {
        await this.#request({ token }, this.#options.joinTarget)
        return
      } catch (error) {
        const refusal = refusalOf(error)
        if (refusal !== null) throw new IdentityRefused(`cannot join at ${this.#options.joinTarget}: ${refusal}`)
        this.#options.log.warn('cannot join yet', { target: this.#options.joinTarget, why: (error as Error).message })
        await pause(this.#options.clock, backoff.next(), signal)
      }
    }
  }

  async #request(proof: CertificateCall['proof'], target: string): Promise<void> {
    const { clock, spiffeId, sign } = this.#options
    const csr = createCertificateRequest(this.#key, formatSpiffeId(spiffeId))
    const deadline = new Date(clock.wallNow() + CALL_TIMEOUT_MS)
    const pems = await sign({ target, trustBundle: this.#trustBundle, csr, proof, deadline })
    const chain = readCertificateChain(pems.join('\n'), this.#key, this.#trustBundle)
    const granted = parseSpiffeId(chain.spiffeId)
    if (granted?.namespace !== spiffeId.namespace || granted.serviceAccount !== spiffeId.serviceAccount) {
      throw new Error(`asked to be ${formatSpiffeId(spiffeId)}, was made ${chain.spiffeId}`)
    }
    // One that is over, or all but, would be renewed at once, and again, without end.
    if (chain.notAfter - clock.wallNow() < LEAST_GRANTED_MS)
      throw new Error(`was given a certificate until ${new Date(chain.notAfter).toISOString()}`)
    this.#folder.writeCertificate(chain.pem)
    this.#take(chain)
    // The answer of an authority that is trusted ends with the roots of its mesh, as Istio's does. A root is in
    // every bundle before anything is signed by it, so what is to be trusted next is heard of in time.
    this.takeTrustBundle(withRootsOf(this.#trustBundle, pems.join('\n')))
    this.#options.log.info('certificate issued', { id: chain.spiffeId, until: new Date(chain.notAfter).toISOString() })
  }

  #take(chain: CertificateChain): void {
    this.#chain = chain
    this.#keyPair = { certificateChain: chain.pem, privateKey: this.#key }
    this.#announce()
  }

  #announce(): void {
    for (const listener of this.#changed) listener()
  }

  /**
   * At half its life, up to a tenth earlier, so that workloads started together do not renew together. `begin`: when it
   * was got, because an authority dates certificates back for the sake of slow clocks.
   */
  #scheduleRenewal(begin: number): void {
    const { random } = this.#options
    const half = ((this.certificate.notAfter - begin) / 2) * (1 - random.next() * MAX_JITTER)
    this.#renewAt(begin + half, new Backoff(1_000, 60_000, random))
  }

  #renewAt(time: number, backoff: Backoff): void {
    if (this.#stopped) return
    const { clock } = this.#options
    const left = time - clock.wallNow()
    this.#timer = clock.setTimer(Math.max(0, Math.min(left, CLOCK_CHECK_MS)), () => {
      if (clock.wallNow() < time) this.#renewAt(time, backoff)
      else void this.#renew(backoff)
    })
  }

  /** One that has expired (the machine slept, nobody was there to renew it) proves nothing: a fresh token may. */
  #requestNext(): Promise<void> {
    const { clock, joinTarget, renewTarget } = this.#options
    const token = clock.wallNow() < this.certificate.notAfter ? null : this.#options.token()
    return token === null ? this.#request({ keyPair: this.keyPair }, renewTarget) : this.#request({ token }, joinTarget)
  }

  async #renew(backoff: Backoff): Promise<void> {
    try {
      await this.#requestNext()
    } catch (error) {
      const until = new Date(this.certificate.notAfter).toISOString()
      this.#options.log.warn('cannot renew the certificate', { until, why: (error as Error).message })
      this.#renewAt(this.#options.clock.wallNow() + backoff.next(), backoff)
      return
    }
    this.#scheduleRenewal(this.#options.clock.wallNow())
  }
}

function usableCertificate(
  folder: IdentityFolder,
  key: string,
  options: WorkloadIdentityOptions,
): { readonly chain: CertificateChain; readonly bundle: string } | null {
  const pem = folder.certificate
  if (pem === null) return null
  // The bundle kept is newer than the one at first start; where the mesh was made anew, only the one given fits.
  for (const bundle of [folder.bundle, options.trustBundle]) {
    if (bundle === null) continue
    try {
      const chain = readCertificateChain(pem, key, bundle)
      const id = parseSpiffeId(chain.spiffeId)
      const { namespace, serviceAccount } = options.spiffeId
      if (id?.namespace !== namespace || id.serviceAccount !== serviceAccount) return null
      // Signed by nobody in the bundle given, while there is a token: the mesh was made anew around this folder.
      const anew = options.trustBundle !== null && options.token() !== null
      if (anew && !isSignedBy(options.trustBundle ?? '', pem, key)) return null
      if (chain.notAfter - options.clock.wallNow() > LEAST_LIFE_MS) return { chain, bundle }
    } catch (error) {
      options.log.debug('certificate on disk not usable', { why: (error as Error).message })
    }
  }
  return null
}

function isSignedBy(trustBundle: string, pem: string, key: string): boolean {
  try {
    readCertificateChain(pem, key, trustBundle)
    return true
  } catch {
    return false
  }
}

/** Null for what may mend itself. */
function refusalOf(error: unknown): string | null {
  const { code, details, message } = error as { code?: number; details?: string; message: string }
  if (code !== undefined && TRANSIENT.has(code)) return null
  return details || message
}

function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      timer.cancel()
      reject(new IdentityRefused('stopped while waiting for the control plane'))
    }
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}
