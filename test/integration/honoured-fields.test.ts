// Nothing is silently ignored: every field of every message that a bootstrap reaches is refused, or read, or listed, with a
// reason, among those that are taken without effect (docs/differences-from-envoy.md).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  createRegistry,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Problem } from '../../src/base/problem.ts'
import { systemRandom } from '../../src/base/random.ts'
import { UNBOUND_NETWORK } from '../../src/main/unbound-network.ts'
import { readBootstrap } from '../../src/translate/bootstrap/read-bootstrap.ts'
import { type Bootstrap, BootstrapSchema } from '../../src/xds/generated/envoy/config/bootstrap/v3/bootstrap_pb.ts'
import { FixedHeapConfigSchema } from '../../src/xds/generated/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap_pb.ts'
import { MESSAGE_REGISTRY } from '../../src/xds/message-registry.ts'
import { takeFieldsRead, watched } from './watched-message.ts'
import { wideBootstrap } from './wide-bootstrap.ts'

const STAND_INS: Readonly<Record<string, string>> = {
  '@bufbuild/protobuf': new URL('./watched-protobuf.ts', import.meta.url).href,
  '@bufbuild/protobuf/reflect': new URL('./watched-reflection.ts', import.meta.url).href,
}
registerHooks({
  resolve(specifier, context, next) {
    const url = /\/src\/(data-plane|xds)\//.test(context.parentURL ?? '') ? STAND_INS[specifier] : undefined
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true }
  },
})
const { Proxy: DataPlaneProxy } = await import('../../src/data-plane/proxy.ts')
const { applyStaticResources, compileBootstrap } = await import('../../src/data-plane/static-config.ts')

const TYPES = createRegistry(MESSAGE_REGISTRY, FixedHeapConfigSchema)
const SOURCES = { readFile: () => Buffer.from('x'), environmentVariable: () => 'x' }

/** What is wrong with a bootstrap; `takeFieldsRead` says afterwards what was looked at. */
async function problemsOf(bootstrap: Bootstrap): Promise<readonly Problem[]> {
  takeFieldsRead()
  const message = watched(BootstrapSchema, bootstrap)
  const { problems } = compileBootstrap(message)
  const proxy = new DataPlaneProxy({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    network: UNBOUND_NETWORK,
    logFiles: { open: () => ({ write: () => {}, close: async () => {} }) },
  })
  const refused = applyStaticResources(proxy, message.staticResources)
  await proxy.close()
  return [...problems, ...refused]
}

/** Whether nothing is wrong with the file as it is read, which takes longer. */
function isReadable(bootstrap: JsonObject): boolean {
  const read = readBootstrap({ file: 'b', text: JSON.stringify(bootstrap) }, SOURCES)
  return 'file' in read && read.file.allProblems([]).length === 0
}

/** Before resources are compiled; by the admin port; of a filter that is not known. */
const READ_ELSEWHERE = /^(DataSource\.(filename|environment_variable)|Node\..*|HttpFilter\.is_optional)$/

/** A value of the field that is not its default. */
function valueOf(field: DescField): JsonValue {
  const one = exampleOf(field)
  return field.fieldKind === 'list' ? [one] : field.fieldKind === 'map' ? { k: one } : one
}

const EXAMPLES: Readonly<Record<string, JsonValue>> = {
  'google.protobuf.Duration': '1s',
  'google.protobuf.Struct': { a: 'b' },
  'google.protobuf.Any': { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer' },
  'google.protobuf.BoolValue': true,
  'google.protobuf.StringValue': 'x',
}

function exampleOf(field: DescField): JsonValue {
  if (field.enum) return (field.enum.values[1] ?? field.enum.values[0])!.name
  if (field.message) {
    const { typeName } = field.message
    return EXAMPLES[typeName] ?? (/\.(U?Int\d+|Float|Double)Value$/.test(typeName) ? 2 : {})
  }
  if (field.scalar === ScalarType.BOOL) return true
  if (field.scalar === ScalarType.STRING) return 'x'
  return field.scalar === ScalarType.BYTES ? 'YQ==' : 2
}

/** Sets every field of every kind of message in the bootstrap, one at a time; gives those that nobody looked at. */
class Walk {
  readonly unread = new Set<string>()
  readonly #done = new Set<string>()
  readonly #bootstrap: JsonObject

  constructor(bootstrap: JsonObject) {
    this.#bootstrap = bootstrap
  }

  /** `holder`: the field that holds the message, as one type is read in several places by several hands. */
  async visit(schema: DescMessage, message: JsonObject, holder: string): Promise<void> {
    const key = `${schema.typeName} in ${holder}`
    if (!this.#done.has(key)) {
      this.#done.add(key)
      for (const field of schema.fields) if (message[field.name] === undefined) await this.#try(field, message)
    }
    for (const field of schema.fields) {
      const value = message[field.name]
      if (!field.message || typeof value !== 'object' || value === null) continue
      const items = field.fieldKind === 'list' || field.fieldKind === 'map' ? Object.values(value) : [value]
      for (const item of items as JsonObject[]) {
        const type = item['@type']
        const inner = typeof type === 'string' ? TYPES.getMessage(type.split('/')[1]!) : field.message
        if (inner && !inner.typeName.startsWith('google.protobuf.'))
          await this.visit(inner, item, `${schema.typeName}.${field.name}`)
      }
    }
  }

  async #try(field: DescField, message: JsonObject): Promise<void> {
    const before = { ...message }
    for (const rival of field.oneof?.fields ?? []) delete message[rival.name]
    message[field.name] = valueOf(field)
    const problems = await problemsOf(fromJson(BootstrapSchema, this.#bootstrap, { registry: TYPES }))
    const { typeName } = field.parent
    if (!takeFieldsRead().has(`${typeName}.${field.name}`) && problems.length === 0 && isReadable(this.#bootstrap))
      this.unread.add(`${typeName.slice(typeName.lastIndexOf('.') + 1)}.${field.name}`)
    delete message[field.name]
    Object.assign(message, before)
  }
}

/** Rows of docs/differences-from-envoy.md, by what is in their first column. */
function takenWithoutEffect(): string[] {
  const page = readFileSync(join(import.meta.dirname, '../../docs/differences-from-envoy.md'), 'utf8')
  const section = page.slice(page.indexOf('## Taken without effect'), page.indexOf('## Compared'))
  const rows = section.split('\n').filter(line => line.startsWith('| `'))
  return rows.flatMap(row => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(match => match[1]!))
}

test('every field is read, or refused, or on the list of those without effect', async () => {
  const bootstrap = await wideBootstrap()
  assert.deepEqual(await problemsOf(fromJson(BootstrapSchema, bootstrap, { registry: TYPES })), [])
  assert.ok(isReadable(bootstrap))
  const walk = new Walk(bootstrap)
  await walk.visit(BootstrapSchema, bootstrap, '')
  const listed = takenWithoutEffect().map(
    pattern => [pattern, new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`)] as const,
  )
  const unlisted = [...walk.unread].filter(
    field => !READ_ELSEWHERE.test(field) && !listed.some(([, regex]) => regex.test(field)),
  )
  assert.deepEqual(unlisted, [], 'neither honoured nor refused')
  const stale = listed.filter(([, regex]) => ![...walk.unread].some(field => regex.test(field)))
  assert.deepEqual(
    stale.map(([pattern]) => pattern),
    [],
    'on the list, and honoured or refused by now',
  )
})
