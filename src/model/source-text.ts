/** A piece of config as its writer knows it. */
export interface SourceText {
  /** Path as the user gave it, or `<stdin>`. */
  readonly file: string
  readonly text: string
}
