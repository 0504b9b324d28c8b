// What every fuzzer is run by: a bounded number of cases in `npm test`; for a time, or from a seed, by `npm run fuzz`.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'

const { FUZZ_SECONDS = '', FUZZ_SEED = '', FUZZ_PATH = '' } = process.env
const ENDLESS = 2 ** 31 - 1

/** A test that `holds`, which throws where it does not, for `runs` cases; what fails is printed with its seed. */
export function fuzz<T>(name: string, runs: number, cases: fc.Arbitrary<T>, holds: (one: T) => void): void {
  test(name, () => {
    const seed = FUZZ_SEED === '' ? Math.floor(Math.random() * 2 ** 31) : Number(FUZZ_SEED)
    let count = 0
    const started = performance.now()
    const property = fc.property(cases, one => {
      count += 1
      holds(one)
    })
    const limit =
      FUZZ_SECONDS === ''
        ? { numRuns: runs }
        : { numRuns: ENDLESS, interruptAfterTimeLimit: Number(FUZZ_SECONDS) * 1_000 }
    try {
      fc.assert(property, { seed, ...limit, ...(FUZZ_PATH === '' ? {} : { path: FUZZ_PATH, numRuns: 1 }) })
    } finally {
      const seconds = (performance.now() - started) / 1_000
      if (FUZZ_SECONDS !== '') console.log(`${name}: ${count} cases, ${Math.round(count / seconds)}/s, seed ${seed}`)
    }
  })
}

/** Bytes that cases are made of: each file of the folder as it is, or, with the ending `.hex`, its digits. */
export function corpus(codec: string): readonly Buffer[] {
  const folder = join(import.meta.dirname, 'corpus', codec)
  return readdirSync(folder)
    .sort()
    .map(name => {
      const bytes = readFileSync(join(folder, name))
      return name.endsWith('.hex') ? Buffer.from(bytes.toString('latin1').replace(/\s/g, ''), 'hex') : bytes
    })
}

/** One of them with a few bytes changed, mostly at its beginning, where it matters; or cut, or with more behind it. */
export function mutations(seeds: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const changes = fc.array(fc.tuple(fc.oneof(fc.nat(12), fc.nat(60)), fc.nat(255)), { maxLength: 3 })
  return fc
    .record({
      seed: fc.constantFrom(...seeds),
      changes,
      cut: fc.oneof(fc.constant(-1), fc.nat(80)),
      more: fc.uint8Array({ maxLength: 8 }),
    })
    .map(({ seed, changes, cut, more }) => {
      const bytes = Buffer.from(seed)
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      return cut < 0 ? Buffer.concat([bytes, more]) : bytes.subarray(0, cut)
    })
}

/** `bytes` in pieces of these lengths, and the rest; each in memory of its own. */
export function inPieces(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  let at = 0
  for (const length of lengths) {
    if (at >= bytes.length) break
    pieces.push(Buffer.from(bytes.subarray(at, at + length)))
    at += length
  }
  pieces.push(Buffer.from(bytes.subarray(at)))
  return pieces
}
