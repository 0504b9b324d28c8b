// The one way in which config changes: parse, look at the whole set, then commit one revision or nothing.
import type { Log } from '../../base/log.ts'
import type { Problem } from '../../base/problem.ts'
import type { ConfigObject } from '../../model/config-object.ts'
import type { SourceText } from '../../model/source-text.ts'
import { parseConfig } from '../../translate/parse-config.ts'
import type { ConfigStore, ObjectWrite, Plan, WriteSet } from './config-store.ts'
import type { DirectoryMemory } from './directory-memory.ts'
import { keyOf, type ObjectKey, type RevisionChange, type StoredObject } from './stored-object.ts'

export interface EditOutcome {
  /** False: nothing was changed, and `problems` says why. */
  readonly accepted: boolean
  /** The head after the edit. */
  readonly revision: number
  readonly changes: readonly RevisionChange[]
  readonly problems: readonly Problem[]
}

export interface ApplyRequest {
  readonly documents: readonly SourceText[]
  /** For objects that name no namespace. */
  readonly namespace: string
  readonly dryRun: boolean
  readonly message?: string
}

/** What is wrong with a whole set of config: the translation's link step over it. */
export type SetCheck = (objects: readonly ConfigObject[]) => readonly Problem[]

export class ConfigEditor {
  readonly #store: ConfigStore
  readonly #check: SetCheck
  readonly #log: Log
  readonly #listeners: (() => void)[] = []
  #live: Map<string, ConfigObject>

  constructor(store: ConfigStore, check: SetCheck, log: Log) {
    this.#store = store
    this.#check = check
    this.#log = log
    this.#live = new Map()
    for (const object of store.objects()) this.#revive(this.#live, object)
  }

  get revision(): number {
    return this.#store.revision
  }

  /** The config in effect. */
  get objects(): readonly ConfigObject[] {
    return [...this.#live.values()]
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Writes every object of the documents, or none. */
  apply(request: ApplyRequest): EditOutcome {
    const parsed = parseConfig(request.documents, { defaultNamespace: request.namespace })
    const { problems } = parsed
    if (hasError(problems)) return this.#refuse(problems)
    const files = request.documents.map(document => document.file)
    const message = request.message ?? `apply ${summarise(files)}`
    const writes = parsed.objects.map(object => toWrite(object, request.documents))
    return this.#edit({ source: 'apply', message, writes, deletions: [] }, parsed.objects, problems, request.dryRun)
  }

  /** Deletes objects, all of which must exist. What still refers to them is named as a problem but does not hinder. */
  delete(keys: readonly ObjectKey[]): EditOutcome {
    const unknown = keys.filter(key => this.#store.object(key) === undefined)
    if (unknown.length > 0) {
      return this.#refuse(
        unknown.map(key => ({
          code: 'WEFT-2002',
          severity: 'error',
          message: 'no such object',
          object: `${key.kind} ${key.namespace}/${key.name}`,
        })),
      )
    }
    const message = `delete ${summarise(keys.map(key => `${key.kind} ${key.namespace}/${key.name}`))}`
    const set: WriteSet = { source: 'apply', message, writes: [], deletions: keys }
    const plan = this.#store.plan(set)
    const next = this.#after(plan, [])
    const problems = this.#newErrors(next).map(problem => ({ ...problem, severity: 'warning' as const }))
    const revision = this.#store.commit(set, plan)
    this.#publish(next)
    return { accepted: true, revision, changes: plan.changes, problems }
  }

  /** Null: no such revision. */
  rollback(number: number): EditOutcome | null {
    const plan = this.#store.planRollback(number)
    if (plan === null) return null
    const revision = this.#store.commitRollback(number, plan)
    const next = new Map(this.#live)
    for (const change of plan.changes) {
      next.delete(keyOf(change))
      if (change.after !== null) this.#revive(next, { ...change, ...change.after })
    }
    if (plan.effective) this.#publish(next)
    return { accepted: true, revision, changes: plan.changes, problems: [] }
  }

  /**
   * Takes a directory's whole content as its word. Only what differs from its last word is written, so that an object
   * changed since by `apply` stands until its file is saved again; an object gone from the files is deleted where
   * the directory was its last writer.
   */
  takeDirectory(documents: readonly SourceText[], memory: DirectoryMemory): EditOutcome {
    const parsed = parseConfig(documents, { defaultNamespace: 'default' })
    const { problems } = parsed
    if (hasError(problems)) return this.#refuse(problems)
    const remembered = memory.recall()
    const said = parsed.objects.filter(object => remembered.get(keyOf(object))?.text !== object.text)
    const present = new Set(parsed.objects.map(keyOf))
    const gone = [...remembered.values()].filter(key => !present.has(keyOf(key)))
    const deletions = gone.filter(key => this.#store.object(key)?.source === 'directory')
    const writes = said.map(object => toWrite(object, documents))
    const files = [...new Set(writes.map(write => write.file))]
    const message = `directory: ${summarise(files.length > 0 ? files : deletions.map(key => key.name))}`
    const outcome = this.#edit({ source: 'directory', message, writes, deletions }, said, problems, false)
    if (outcome.accepted && (said.length > 0 || gone.length > 0)) memory.remember(parsed.objects)
    return outcome
  }

  #edit(set: WriteSet, objects: readonly ConfigObject[], problems: readonly Problem[], dryRun: boolean): EditOutcome {
    const plan = this.#store.plan(set)
    const next = this.#after(plan, objects)
    const found = [...problems, ...this.#newErrors(next)]
    if (hasError(found)) return { ...this.#refuse(found), changes: plan.changes }
    if (dryRun) return { accepted: true, revision: this.revision, changes: plan.changes, problems: found }
    const revision = this.#store.commit(set, plan)
    if (plan.effective) this.#publish(next)
    return { accepted: true, revision, changes: plan.changes, problems: found }
  }

  #after(plan: Plan, objects: readonly ConfigObject[]): Map<string, ConfigObject> {
    const parsed = new Map(objects.map(object => [keyOf(object), object]))
    const next = new Map(this.#live)
    for (const change of plan.changes) {
      const key = keyOf(change)
      const object = parsed.get(key)
      if (change.after === null) next.delete(key)
      else if (object) next.set(key, { ...object, createdAt: change.after.createdAt })
    }
    return next
  }

  /**
   * Errors of the new set that the old one did not have, and every warning. What was wrong already (a host whose
   * service went away, say) must not stop the repair of something else.
   */
  #newErrors(next: ReadonlyMap<string, ConfigObject>): readonly Problem[] {
    const old = new Set(this.#check(this.objects).map(identityOf))
    return this.#check([...next.values()]).filter(
      problem => problem.severity !== 'error' || !old.has(identityOf(problem)),
    )
  }

  /** Stored text was valid when it was stored; a later Weft may see it differently, and then goes on without it. */
  #revive(into: Map<string, ConfigObject>, stored: StoredObject): void {
    const text = '\n'.repeat(stored.line - 1) + stored.text
    const { objects, problems } = parseConfig([{ file: stored.file, text }], { defaultNamespace: stored.namespace })
    const object = objects.find(candidate => keyOf(candidate) === keyOf(stored))
    if (object) into.set(keyOf(stored), { ...object, text: stored.text, createdAt: stored.createdAt })
    else this.#log.error('stored object is left out', { object: keyOf(stored), why: problems[0]?.message })
  }

  #publish(next: Map<string, ConfigObject>): void {
    this.#live = next
    for (const listener of this.#listeners) listener()
  }

  #refuse(problems: readonly Problem[]): EditOutcome {
    return { accepted: false, revision: this.revision, changes: [], problems }
  }
}

function hasError(problems: readonly Problem[]): boolean {
  return problems.some(problem => problem.severity === 'error')
}

function identityOf(problem: Problem): string {
  return JSON.stringify([problem.code, problem.object, problem.path, problem.message])
}

function toWrite(object: ConfigObject, documents: readonly SourceText[]): ObjectWrite {
  const { kind, namespace, name, apiVersion, text } = object
  const source = documents.find(document => document.file === object.position.file)?.text ?? text
  // The document's own line, not that of the object's first key: comments may stand before it.
  const start = source.indexOf(text)
  const line = start < 0 ? object.position.line : source.slice(0, start).split('\n').length
  return { kind, namespace, name, apiVersion, text, file: object.position.file, line }
}

function summarise(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}
