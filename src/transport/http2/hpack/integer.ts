// Integers of RFC 7541 5.1: as many bits as a prefix has, the rest in groups of seven.

/** Writes `value` under `pattern`, whose lower `prefix` bits are free; the position behind it. */
export function writeInteger(bytes: Buffer, at: number, pattern: number, prefix: number, value: number): number {
  const most = (1 << prefix) - 1
  if (value < most) {
    bytes[at] = pattern | value
    return at + 1
  }
  let pos = at
  let rest = value - most
  bytes[pos++] = pattern | most
  while (rest >= 128) {
    bytes[pos++] = (rest & 127) | 128
    rest >>>= 7
  }
  bytes[pos++] = rest
  return pos
}
