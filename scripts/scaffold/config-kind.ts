// `npm run new -- kind NAME`: a kind of Istio's API, from model noun to registry line, its test red until it is read.
import type { Names } from './names.ts'
import type { Scaffold } from './scaffold.ts'

export function configKind({ kebab, pascal, constant }: Names): Scaffold {
  const folder = `src/translate/istio/${kebab}`
  return {
    files: [
      {
        path: `src/model/${kebab}.ts`,
        text: `// Istio's ${pascal}.

export interface ${pascal} {
  /** Null: every workload of the namespace. */
  readonly selector: Readonly<Record<string, string>> | null
}
`,
      },
      {
        path: `${folder}/${kebab}.ts`,
        text: `// Istio's ${pascal}.
import type { ${pascal} } from '../../../model/${kebab}.ts'
import type { KindDefinition } from '../../document/kind-definition.ts'
import { readSelector } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

export const ${constant}: KindDefinition<'${pascal}'> = {
  kind: '${pascal}',
  apiVersions: [],
  parseSpec,
}

function parseSpec(spec: ObjectReader): ${pascal} {
  const selector = readSelector(spec, 'selector', 'matchLabels')
  spec.done()
  return { selector }
}
`,
      },
      {
        path: `${folder}/${kebab}.test.ts`,
        text: `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ${constant} } from './${kebab}.ts'

test('${pascal} names the API versions that it is read in', () => {
  assert.notDeepEqual(${constant}.apiVersions, [])
})
`,
      },
    ],
    insertions: [
      {
        path: 'src/model/config-object.ts',
        before: /^import type \{ VirtualService \}/m,
        text: `import type { ${pascal} } from './${kebab}.ts'\n`,
      },
      {
        path: 'src/model/config-object.ts',
        before: /^\}\n\nexport type ConfigKind/m,
        text: `  readonly ${pascal}: ${pascal}\n`,
      },
      { path: 'src/model/config-object.ts', before: /^\]$/m, text: `  '${pascal}',\n` },
      {
        path: 'src/translate/istio/registry.ts',
        before: /^import \{ VIRTUAL_SERVICE \}/m,
        text: `import { ${constant} } from './${kebab}/${kebab}.ts'\n`,
      },
      { path: 'src/translate/istio/registry.ts', before: /^\]$/m, text: `  ${constant},\n` },
    ],
    next: `Take ${pascal} out of UNSUPPORTED_ISTIO_KINDS (src/translate/istio/registry.ts) where it is named there, then honour it in
src/translate/link and src/translate/emit. Its test is red: npm test -- ${folder}/${kebab}.test.ts`,
  }
}
