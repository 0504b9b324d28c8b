// What belongs to the machine, and to one run on it: its own address, in `x-forwarded-for` behind a gateway, and cookies
// that a proxy has made of a connection's ports.
import { networkInterfaces } from 'node:os'

const own = Object.values(networkInterfaces())
  .flatMap(list => list ?? [])
  .map(entry => entry.address)
  .filter(address => !address.startsWith('127.') && address !== '::1')

const MADE_COOKIE = /="[0-9a-f]{16}"/g

type Headers = Readonly<Record<string, string | readonly string[]>>

export function withoutOwnAddresses<H extends Headers>(headers: H): H {
  const hide = (value: string): string => own.reduce((text, address) => text.replaceAll(address, 'OWN-ADDRESS'), value)
  const entries = Object.entries(headers).map(([name, value]) => [
    name,
    typeof value === 'string' ? hide(value) : value.map(each => each.replace(MADE_COOKIE, '="MADE"')),
  ])
  return Object.fromEntries(entries) as H
}
