// The draw among weighted clusters as a request brings it (header_name): who sends the same number gets the same cluster.
import type { HeaderList } from '../../transport/header-list.ts'

const LARGEST = '18446744073709551615'

/**
 * The number in the header `name`, modulo `total`; -1 without exactly one such header with an unsigned 64-bit decimal in
 * it (Envoy: chance decides then, as several would not choose alike everywhere).
 */
export function drawFromHeader(headers: HeaderList, name: string, total: number): number {
  let value: string | null = null
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue
    if (value !== null) return -1
    value = headers[i + 1]!
  }
  return value === null ? -1 : remainderOf(value, total)
}

function remainderOf(value: string, total: number): number {
  let from = 0
  while (from < value.length - 1 && value.charCodeAt(from) === 48) from++
  const digits = value.length - from
  if (digits === 0 || digits > LARGEST.length) return -1
  let remainder = 0
  let isLarger = digits === LARGEST.length
  for (let i = 0; i < digits; i++) {
    const digit = value.charCodeAt(from + i) - 48
    if (digit < 0 || digit > 9) return -1
    if (isLarger) {
      const most = LARGEST.charCodeAt(i) - 48
      if (digit > most) return -1
      isLarger = digit === most
    }
    remainder = (remainder * 10 + digit) % total
  }
  return remainder
}
