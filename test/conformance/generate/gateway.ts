// Gateways: servers that share ports and hosts, of one workload or of several, for one namespace or for all.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { CaseProxy } from '../case-file.ts'
import type { ConfigDocument } from './document.ts'
import { type Arbitrary, GATEWAY_PORTS, NAMESPACES, ROOT_NAMESPACE, weighted } from './words.ts'

/** What VirtualServices for gateways are for; few, so that they share them. */
export const DOMAINS = [
  'shop.example.com',
  'a.shop.example.com',
  'b.shop.example.com',
  '*.shop.example.com',
  '*.example.com',
  'api.example.com',
  'other.test',
  '*.test',
  '*',
  '127.0.0.1',
] as const

const SERVED = [
  '*',
  '*.example.com',
  'shop.example.com',
  '*.shop.example.com',
  './*',
  './*.example.com',
  'shop/*.test',
  '*/*.test',
  'default/shop.example.com',
  'infra/*',
] as const

/**
 * Workloads that selectors of Gateways take. In namespaces without sidecars: of a namespace that has both, istiod has one idea
 * of what it sees, which is that of who connects first.
 */
export const GATEWAY_PROXIES: Readonly<Record<string, CaseProxy>> = {
  edge: { ip: '127.2.0.1', namespace: 'infra', router: true, labels: { gateway: 'edge', tier: 'edge' } },
  inner: { ip: '127.2.0.2', namespace: ROOT_NAMESPACE, router: true, labels: { gateway: 'inner', tier: 'edge' } },
}

const server = fc.record({
  number: fc.constantFrom(...GATEWAY_PORTS),
  hosts: weighted<readonly string[]>(
    [2, fc.constant(['*'])],
    [3, fc.subarray([...SERVED], { minLength: 1, maxLength: 3 })],
  ),
  httpsRedirect: fc.integer({ min: 0, max: 14 }).map(n => n === 0),
})

const gateway = fc
  .record({
    namespace: fc.constantFrom(...NAMESPACES),
    selector: fc.constantFrom<JsonObject[]>(
      { gateway: 'edge' },
      { gateway: 'edge' },
      { gateway: 'inner' },
      { tier: 'edge' },
    ),
    servers: fc.array(server, { minLength: 1, maxLength: 3 }),
  })
  .map(
    ({ namespace, selector, servers }): Omit<ConfigDocument, 'name'> => ({
      kind: 'Gateway',
      namespace,
      spec: {
        selector,
        servers: servers.map(({ number, hosts, httpsRedirect }, index) => ({
          port: { number, name: `http-${number}-${index}`, protocol: 'HTTP' },
          hosts: [...hosts],
          ...(httpsRedirect ? { tls: { httpsRedirect } } : {}),
        })),
      },
    }),
  )

export const gateways: Arbitrary<readonly ConfigDocument[]> = fc
  .array(gateway, { minLength: 2, maxLength: 4 })
  .map(list => list.map((each, index) => ({ ...each, name: `gw${index}` })))

/** How an object of the namespace refers to it. */
export function referencesTo({ namespace, name }: ConfigDocument, from: string): readonly string[] {
  return namespace === from ? [name, `${namespace}/${name}`] : [`${namespace}/${name}`]
}

/** Where a VirtualService of the namespace that names these gateways can be called. */
export function entrancesOf(
  references: readonly string[],
  from: string,
  gateways: readonly ConfigDocument[],
): readonly { readonly proxy: string; readonly port: number }[] {
  const named = gateways.filter(gateway => referencesTo(gateway, from).some(name => references.includes(name)))
  return named.flatMap(({ spec }) => {
    const { selector, servers } = spec as { selector: JsonObject; servers: { port: { number: number } }[] }
    const taken = Object.entries(GATEWAY_PROXIES).filter(([, { labels = {} }]) =>
      Object.entries(selector).every(([name, value]) => labels[name] === value),
    )
    return taken.flatMap(([proxy]) => servers.map(({ port: { number } }) => ({ proxy, port: number })))
  })
}
