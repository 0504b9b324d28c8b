// Ports for the processes of a mesh: those of its last start where they are free, else free ones.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { writeFileAtomic } from '../../base/atomic-file.ts'
import type { Random } from '../../base/random.ts'

/** Below every system's ephemeral range: a port of ours must not be some connection's local port by chance. */
const LOWEST = 20_000
const HIGHEST = 31_999
const MAX_TRIES = 500

export class PortAllocator {
  readonly #file: string
  readonly #random: Random
  readonly #kept: Record<string, number>
  readonly #taken = new Set<number>()

  /** `file` keeps the ports between starts. */
  constructor(file: string, random: Random) {
    this.#file = file
    this.#random = random
    this.#kept = readPorts(file)
  }

  /** The port known under `key` when it is free, else any free one. */
  async allocate(key: string): Promise<number> {
    const kept = this.#kept[key]
    if (kept !== undefined && (await this.#take(kept))) return kept
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const candidate = LOWEST + Math.floor(this.#random.next() * (HIGHEST - LOWEST))
      if (await this.#take(candidate)) return this.#keep(key, candidate)
    }
    throw new Error(`no free port found between ${LOWEST} and ${HIGHEST}`)
  }

  /** Exactly this one; false when it is in use. */
  async claim(key: string, port: number): Promise<boolean> {
    if (!(await this.#take(port))) return false
    this.#keep(key, port)
    return true
  }

  save(): void {
    writeFileAtomic(this.#file, `${JSON.stringify({ ports: this.#kept }, null, 2)}\n`, 0o644)
  }

  async #take(port: number): Promise<boolean> {
    if (this.#taken.has(port)) return false
    this.#taken.add(port)
    if (await isFree(port)) return true
    this.#taken.delete(port)
    return false
  }

  #keep(key: string, port: number): number {
    this.#kept[key] = port
    return port
  }
}

/** Whether this moment's listen on loopback would succeed. */
export function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}

function readPorts(file: string): Record<string, number> {
  try {
    const { ports } = JSON.parse(readFileSync(file, 'utf8')) as { ports?: Record<string, number> }
    return { ...ports }
  } catch {
    return {}
  }
}
