// An object of the config as the store keeps it: its text, and who wrote it when.

/** Who wrote: `weft apply` (or the API), the watched directory, or a rollback. */
export type ConfigSource = 'apply' | 'directory' | 'rollback'

export interface ObjectKey {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

export interface StoredState {
  readonly apiVersion: string
  /** The YAML of this one object. */
  readonly text: string
  readonly source: ConfigSource
  /** The file it was written in, as its writer named it. */
  readonly file: string
  /** Line of the file on which `text` begins, from 1. */
  readonly line: number
  /** Revision that wrote this text. */
  readonly revision: number
  /** Revision in which the object came to be: the oldest wins where two objects conflict. */
  readonly createdAt: number
  /** Milliseconds since the epoch. */
  readonly updatedAt: number
}

export interface StoredObject extends ObjectKey, StoredState {}

export type ChangeAction = 'created' | 'configured' | 'unchanged' | 'deleted'

export interface RevisionChange extends ObjectKey {
  readonly action: ChangeAction
  /** Null: it did not exist. */
  readonly before: StoredState | null
  /** Null: it exists no longer. */
  readonly after: StoredState | null
}

export interface Revision {
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly source: ConfigSource
  readonly message: string
  readonly changes: readonly RevisionChange[]
}

export function keyOf(object: ObjectKey): string {
  return `${object.kind}/${object.namespace}/${object.name}`
}
