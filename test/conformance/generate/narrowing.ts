// From a batch that shows a difference to the smallest case that still does: objects are left out, then parts of objects.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { CaseFile, CaseRequest, Outcome } from '../case-file.ts'
import { askReference, type Reference, VERSIONS } from '../reference.ts'
import { runCase } from '../replay/run-case.ts'
import { type Batch, caseOf } from './batch.ts'
import type { ConfigDocument } from './document.ts'
import { type Finding, judge } from './verdict.ts'

/** The reference takes seconds for each question. */
const QUESTIONS = 80

/** The case, with what Istio did: as the replay takes it. */
export async function narrow(batch: Batch, finding: Finding, reference: Reference): Promise<CaseFile> {
  const search = new Search(batch, finding, reference)
  const few = await search.fewer(batch.documents)
  const small: ConfigDocument[] = [...few]
  for (const [index, document] of few.entries())
    small[index] = await search.smaller(document, candidate => small.with(index, candidate))
  return search.recorded(small)
}

class Search {
  readonly #batch: Batch
  readonly #request: CaseRequest
  readonly #finding: Finding
  readonly #reference: Reference
  #left = QUESTIONS

  constructor(batch: Batch, finding: Finding, reference: Reference) {
    this.#batch = batch
    this.#request = finding.request
    this.#finding = finding
    this.#reference = reference
  }

  /** Leaves out halves, then quarters, and so on. */
  async fewer(documents: readonly ConfigDocument[]): Promise<readonly ConfigDocument[]> {
    let kept = documents
    for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < kept.length; ) {
        const candidate = [...kept.slice(0, at), ...kept.slice(at + size)]
        if (candidate.length > 0 && (await this.#shows(candidate))) kept = candidate
        else at += size
      }
    }
    return kept
  }

  async smaller(
    document: ConfigDocument,
    whole: (candidate: ConfigDocument) => readonly ConfigDocument[],
  ): Promise<ConfigDocument> {
    let kept = document
    for (let at = 0; ; ) {
      const spec = [...without(kept.spec)][at]
      if (spec === undefined) return kept
      const candidate = { ...kept, spec: spec as JsonObject }
      if (await this.#shows(whole(candidate))) kept = candidate
      else at++
    }
  }

  async recorded(documents: readonly ConfigDocument[]): Promise<CaseFile> {
    const file = this.#caseOf(documents)
    const [outcome] = await askReference(this.#reference, file)
    return { ...file, requests: [{ ...this.#request, outcome: outcome! }], versions: VERSIONS }
  }

  #caseOf(documents: readonly ConfigDocument[]): CaseFile {
    const { file, seed } = this.#batch
    const text = JSON.stringify(documents)
    const used = Object.entries(file.upstreams).filter(([address]) => text.includes(`"${address.split(':')[0]}"`))
    const about = `Generated from seed ${seed}, request ${this.#finding.index + 1}, and narrowed.`
    return caseOf(about, documents, file.mesh, Object.fromEntries(used), [this.#request])
  }

  /** Whether both meshes still do, where they differ, what they did. Weft is asked first: it answers at once. */
  async #shows(documents: readonly ConfigDocument[]): Promise<boolean> {
    if (this.#left <= 0) return false
    const file = this.#caseOf(documents)
    try {
      const [weft] = await runCase(file)
      if (!this.#same(this.#finding.istio, weft!)) return false
      this.#left--
      const [istio] = await askReference(this.#reference, file)
      return this.#same(istio!, weft!)
    } catch {
      return false
    }
  }

  #same(istio: Outcome, weft: Outcome): boolean {
    const found = judge([this.#request], [istio], [weft])[0]?.differences ?? []
    const before = this.#finding.differences
    const known = before.every(one =>
      found.some(now => now.field === one.field && now.recorded === one.recorded && now.weft === one.weft),
    )
    // One that differs in more is another difference.
    return known && found.length === before.length
  }
}

/** Everything that is the value without one of its parts, the largest parts first. */
function* without(value: JsonValue): Generator<JsonValue> {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    if (value.length > 1) for (const index of value.keys()) yield value.toSpliced(index, 1)
    for (const [index, item] of value.entries()) for (const less of without(item)) yield value.with(index, less)
    return
  }
  for (const key of Object.keys(value)) {
    const { [key]: _, ...rest } = value
    yield rest
  }
  for (const [key, item] of Object.entries(value)) for (const less of without(item)) yield { ...value, [key]: less }
}
