// Where access logs go, handed in: production appends to files, a test keeps the text.

export interface LogFile {
  /** Appends in the order of the calls; never blocks for long, never throws. */
  write(text: string): void
  /** After everything written is out, or lost for good. */
  close(): void
}

export interface LogFiles {
  /** Opens for appending, `/dev/stdout` and `/dev/stderr` included. Throws the system's error when it cannot. */
  open(path: string): LogFile
}
