// An object of Istio's API as it is generated, and as the lines of a case.
import type { JsonObject } from '@bufbuild/protobuf'
import { stringify } from 'yaml'

export interface ConfigDocument {
  readonly kind: 'VirtualService' | 'DestinationRule' | 'Gateway' | 'ServiceEntry' | 'WorkloadEntry' | 'Sidecar'
  readonly namespace: string
  readonly name: string
  readonly spec: JsonObject
}

export function configLines(documents: readonly ConfigDocument[]): readonly string[] {
  return documents.flatMap(({ kind, namespace, name, spec }, index) => [
    ...(index === 0 ? [] : ['---']),
    'apiVersion: networking.istio.io/v1',
    `kind: ${kind}`,
    `metadata: {name: ${name}, namespace: ${namespace}}`,
    'spec:',
    ...stringify(spec, { lineWidth: 0, aliasDuplicateObjects: false })
      .trimEnd()
      .split('\n')
      .map(line => `  ${line}`),
  ])
}
