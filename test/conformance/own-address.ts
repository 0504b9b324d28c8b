// The machine's own address stands in `x-forwarded-for` behind a gateway; the next machine has another.
import { networkInterfaces } from 'node:os'

const own = Object.values(networkInterfaces())
  .flatMap(list => list ?? [])
  .map(entry => entry.address)
  .filter(address => !address.startsWith('127.') && address !== '::1')

type Headers = Readonly<Record<string, string | readonly string[]>>

export function withoutOwnAddresses<H extends Headers>(headers: H): H {
  const hide = (value: string): string => own.reduce((text, address) => text.replaceAll(address, 'OWN-ADDRESS'), value)
  const entries = Object.entries(headers).map(([name, value]) => [
    name,
    typeof value === 'string' ? hide(value) : value,
  ])
  return Object.fromEntries(entries) as H
}
