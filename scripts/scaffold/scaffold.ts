// What a scaffold does to the tree: new files, and lines put into files that are there.

export interface NewFile {
  readonly path: string
  readonly text: string
}

export interface Insertion {
  readonly path: string
  /** The text before which `text` goes, whole lines. */
  readonly before: RegExp
  readonly text: string
}

export interface Scaffold {
  readonly files: readonly NewFile[]
  readonly insertions: readonly Insertion[]
  /** Said at the end: what is left to do. */
  readonly next: string
}
