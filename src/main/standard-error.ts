// Where a process's own log goes: to standard error, whose reader may be slow, or gone.

/** So much waits for the reader; what a reader that stands still does not take beyond it is dropped. */
const MAX_WAITING_BYTES = 1024 * 1024

let isMinded = false

/** Never throws, and nothing comes of it when nobody reads: a process outlives its log. */
export function toStandardError(text: string): void {
  const { stderr } = process
  if (!isMinded) {
    isMinded = true
    // Without a listener EPIPE would end the process.
    stderr.on('error', () => {})
  }
  if (stderr.writableLength < MAX_WAITING_BYTES) stderr.write(text)
}
