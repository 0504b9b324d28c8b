// The last config that was accepted, on disk: one file for each type, as a DeltaDiscoveryResponse in protobuf's binary
// form. With it a proxy serves while there is no control plane.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { writeFileAtomic } from '../../base/atomic-file.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import {
  DeltaDiscoveryResponseSchema,
  type Resource,
  ResourceSchema,
} from '../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { type ResourceType, TYPE_URL } from '../../xds/type-url.ts'
import type { HeldResource } from './type-state.ts'

const MAX_FILE_BYTES = 256 * 1024 * 1024
/** Several types change together; they are written together. */
const SETTLE_MS = 200

export class LastGood {
  readonly #folder: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #dirty = new Map<ResourceType, ReadonlyMap<string, HeldResource>>()
  #timer: Timer | null = null

  constructor(folder: string, clock: Clock, log: Log) {
    this.#folder = folder
    this.#clock = clock
    this.#log = log
  }

  /** Empty when there is none or it cannot be read: then the control plane has to say it all. */
  load(type: ResourceType): readonly Resource[] {
    const file = this.#file(type)
    try {
      if (statSync(file).size > MAX_FILE_BYTES) throw new Error('larger than 256 MiB')
      const stored = fromBinary(DeltaDiscoveryResponseSchema, readFileSync(file))
      return stored.typeUrl === TYPE_URL[type] ? stored.resources : []
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#log.warn('last good config not usable', { file, why: (error as Error).message })
      }
      return []
    }
  }

  /** Writes soon; `held` is read when it is written. */
  save(type: ResourceType, held: ReadonlyMap<string, HeldResource>): void {
    this.#dirty.set(type, held)
    this.#timer ??= this.#clock.setTimer(SETTLE_MS, () => this.flush())
  }

  /** Writes what is not written yet. A full disk is logged: it must not stop traffic. */
  flush(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (const [type, held] of this.#dirty) {
      const lasting = [...held].filter(([, { expires }]) => !expires)
      const resources = lasting.map(([name, { version, bytes }]) =>
        create(ResourceSchema, {
          name,
          version,
          resource: create(AnySchema, { typeUrl: TYPE_URL[type], value: bytes }),
        }),
      )
      const content = create(DeltaDiscoveryResponseSchema, { typeUrl: TYPE_URL[type], resources })
      try {
        writeFileAtomic(this.#file(type), toBinary(DeltaDiscoveryResponseSchema, content), 0o600)
      } catch (error) {
        this.#log.warn('cannot keep the last good config', { type, why: (error as Error).message })
      }
    }
    this.#dirty.clear()
  }

  #file(type: ResourceType): string {
    return join(this.#folder, `${type}.binpb`)
  }
}
