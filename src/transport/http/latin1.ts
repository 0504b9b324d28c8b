// Bytes as a string of the same length, one code unit a byte: what HTTP/1.1 heads are, and what small bodies are joined as.

interface Latin1Bytes {
  latin1Slice(start: number, end: number): string
}

/** As `toString('latin1', start, end)`, without looking the encoding up: half the cost on a head of usual size. */
export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as Latin1Bytes).latin1Slice(start, end)
}
