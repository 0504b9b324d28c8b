// Joins what one turn of the event loop writes to a socket. Whoever enters the process by an event (bytes, a timer, a
// drained socket) opens a batch; writers that were written to meanwhile send what they have when the outermost closes.
// Head, body and several small chunks thus leave in one system call, without a promise or a tick to wait for.

export interface Flushable {
  flush(): void
}

let depth = 0
let count = 0
const queue: (Flushable | null)[] = []

export function openBatch(): void {
  depth++
}

export function closeBatch(): void {
  if (--depth > 0) return
  // A flush may queue others, and so on: the depth keeps them in this loop.
  depth = 1
  for (let i = 0; i < count; i++) {
    const writer = queue[i]!
    queue[i] = null
    writer.flush()
  }
  count = 0
  depth = 0
}

/** False when no batch is open: the writer sends at once. */
export function joinBatch(writer: Flushable): boolean {
  if (depth === 0) return false
  queue[count++] = writer
  return true
}
