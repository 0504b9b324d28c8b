// Sidecar objects and the sidecars themselves: of two namespaces, with the labels that rules look at.
import type { JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { CaseProxy } from '../case-file.ts'
import type { ConfigDocument } from './document.ts'
import type { GeneratedService } from './service.ts'
import { type Arbitrary, DOMAIN, ROOT_NAMESPACE, seldom } from './words.ts'

export const SIDECAR_PROXIES: Readonly<Record<string, CaseProxy>> = {
  'client-a': { ip: '127.3.0.1', namespace: 'default', labels: { tier: 'front' } },
  'client-b': { ip: '127.3.0.2', namespace: 'shop', labels: { tier: 'back' } },
}

function sidecar(services: readonly GeneratedService[]): Arbitrary<Omit<ConfigDocument, 'name'>> {
  const some = fc
    .constantFrom(...services)
    .chain(({ host, namespace }) => fc.constantFrom(`*/${host}`, `${namespace}/${host}`))
  const host = fc.oneof(
    some,
    fc.constantFrom('./*', 'default/*', 'shop/*', `*/*.infra.${DOMAIN}`, 'infra/*', '*/*.example.com'),
  )
  const mode = fc.constantFrom('REGISTRY_ONLY', 'ALLOW_ANY')
  return fc
    .record({
      namespace: fc.constantFrom('default', 'shop', ROOT_NAMESPACE),
      selector: seldom(
        3,
        fc.constantFrom('front', 'back').map((tier): JsonObject => ({ workloadSelector: { labels: { tier } } })),
      ),
      hosts: fc.uniqueArray(host, { minLength: 2, maxLength: 5 }),
      policy: seldom(
        3,
        mode.map((mode): JsonObject => ({ outboundTrafficPolicy: { mode } })),
      ),
    })
    .map(({ namespace, selector, hosts, policy }) => ({
      kind: 'Sidecar',
      namespace,
      // Those of the root namespace are for all, and may not choose.
      spec: { ...(namespace === ROOT_NAMESPACE ? {} : selector), egress: [{ hosts }], ...policy },
    }))
}

/** None in most meshes: what nobody hides is what most rules are about. */
export function sidecars(services: readonly GeneratedService[]): Arbitrary<readonly ConfigDocument[]> {
  const some = fc.uniqueArray(sidecar(services), { minLength: 1, maxLength: 2, selector: each => each.namespace })
  return fc
    .oneof(fc.constant([]), fc.constant([]), some)
    .map(list => list.map((each, index) => ({ ...each, name: `sidecar${index}` })))
}
