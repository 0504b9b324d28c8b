// `npm run new -- filter NAME`: an HTTP filter's island, its tests red until it does something.
import type { Names } from './names.ts'
import type { Scaffold } from './scaffold.ts'

export function httpFilter({ kebab, pascal, constant, snake }: Names): Scaffold {
  const folder = `src/data-plane/filters/http/${kebab}`
  const message = `envoy.extensions.filters.http.${snake}.v3.${pascal}`
  return {
    files: [
      {
        path: `${folder}/README.md`,
        text: `# ${kebab}

## Config

\`${message}\`

## Stats

## Response code details
`,
      },
      {
        path: `${folder}/config.ts`,
        text: `// The config of ${snake}, compiled once for each listener.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'

export const TYPE_URL = 'type.googleapis.com/${message}'

export type ${pascal}Config = Readonly<Record<string, never>>

export function compileConfig(_typedConfig: Any): Parsed<${pascal}Config> {
  const check = new ResourceCheck('')
  check.unsupported('', 'is not read yet: name ${message} in scripts/generate-xds.ts and decode it here')
  return check.result({})
}
`,
      },
      {
        path: `${folder}/filter.ts`,
        text: `// ${snake}, one object for each stream.
import type { RequestHead } from '../../../../transport/request-head.ts'
import type { FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import type { ${pascal}Config } from './config.ts'

export class ${pascal}Filter implements HttpFilter {
  readonly config: ${pascal}Config
  readonly stream: FilterStream

  constructor(config: ${pascal}Config, stream: FilterStream) {
    this.config = config
    this.stream = stream
  }

  decodeHeaders(_head: RequestHead, _endStream: boolean): HeadersStatus {
    return 'continue'
  }
}
`,
      },
      {
        path: `${folder}/factory.ts`,
        text: `// ${snake}: from its config to the filter of each stream.
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { compileConfig, TYPE_URL } from './config.ts'
import { ${pascal}Filter } from './filter.ts'

export const ${constant}: HttpFilterFactory = {
  name: 'envoy.filters.http.${snake}',
  typeUrl: TYPE_URL,
  terminal: false,
  compile(typedConfig, host) {
    const config = compileConfig(typedConfig)
    if (!config.ok) return config
    return {
      ok: true,
      value: {
        name: host.filterName,
        events: ['decodeHeaders'],
        createFilter: stream => new ${pascal}Filter(config.value, stream),
      },
    }
  },
}
`,
      },
      {
        path: `${folder}/config.test.ts`,
        text: `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { compileConfig, TYPE_URL } from './config.ts'

test('an empty config is taken', () => {
  assert.deepEqual(compileConfig(create(AnySchema, { typeUrl: TYPE_URL })), { ok: true, value: {} })
})
`,
      },
    ],
    insertions: [
      {
        path: 'src/data-plane/filters/http/registry.ts',
        before: /^import \{ ROUTER \}/m,
        text: `import { ${constant} } from './${kebab}/factory.ts'\n`,
      },
      { path: 'src/data-plane/filters/http/registry.ts', before: /ROUTER,?\s*\]/, text: `${constant}, ` },
    ],
    next: `Its tests are red: npm test -- ${folder}/config.test.ts src/data-plane/filters/http/filters.contract.test.ts`,
  }
}
