// What filters have said of a stream, and what config says of where it goes.
import type { StreamInfo } from '../../stream-info.ts'
import { MetadataPath, type MetadataSource } from '../../stream-metadata.ts'
import type { CompiledOperator, OperatorFactory } from './operator.ts'

type SourceOf = (info: StreamInfo) => MetadataSource | null

const ofStream: SourceOf = info => info
const ofCluster: SourceOf = info => info.cluster?.metadata ?? null

export const METADATA_OPERATORS: Readonly<Record<string, OperatorFactory>> = {
  DYNAMIC_METADATA: (argument, name) => compilePlace(ofStream, argument ?? '', name),
  CLUSTER_METADATA: (argument, name) => compilePlace(ofCluster, argument ?? '', name),
  METADATA: compileAny,
}

/** By the kind that comes first. */
const SOURCES: Readonly<Record<string, SourceOf>> = { DYNAMIC: ofStream, CLUSTER: ofCluster }

function compileAny(argument: string | null, name: string): CompiledOperator {
  const [kind = '', ...place] = (argument ?? '').split(':')
  if (!Object.hasOwn(SOURCES, kind))
    return { fault: `%${name}(...)% knows DYNAMIC and CLUSTER: of nothing else metadata are kept` }
  return compilePlace(SOURCES[kind]!, place.join(':'), name)
}

/** `NAMESPACE`, or `NAMESPACE:KEY:...` down to a value. */
function compilePlace(of: SourceOf, argument: string, name: string): CompiledOperator {
  const [namespace = '', ...keys] = argument.split(':')
  if (namespace === '' || keys.includes('')) return { fault: `%${name}(...)% needs a namespace, and keys below it` }
  if (keys.length === 0) return { run: info => of(info)?.allMetadata(namespace) ?? null }
  const path = new MetadataPath(namespace, keys)
  return {
    run(info) {
      const source = of(info)
      return source === null ? null : (path.valueIn(source) ?? null)
    },
  }
}
