// What is read from an Any must be known by its type's name: a bootstrap is read, and a config dump written, by it.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { MESSAGE_REGISTRY } from '../../xds/message-registry.ts'
import { HTTP_FILTERS } from './http/registry.ts'
import { LISTENER_FILTERS } from './listener/registry.ts'
import { NETWORK_FILTERS } from './network/registry.ts'

const dataPlane = join(import.meta.dirname, '..')
/** What stands in a bootstrap only is known to its reader; the admin pages' types wrap resources. */
const OTHERS = ['overload', 'static-config', 'admin']

test('the registry of messages has that of every filter', () => {
  const factories = [...HTTP_FILTERS, ...LISTENER_FILTERS.values(), ...NETWORK_FILTERS.values()]
  const unknown = factories.filter(({ typeUrl }) => {
    return MESSAGE_REGISTRY.getMessage(typeUrl.slice(typeUrl.lastIndexOf('/') + 1)) === undefined
  })
  assert.deepEqual(
    unknown.map(({ typeUrl }) => typeUrl),
    [],
  )
  assert.ok(factories.length > 3)
})

test('the registry of messages has every other that the data plane unpacks or compares by name', () => {
  const known = new Set([...MESSAGE_REGISTRY].map(({ typeName }) => typeName.split('.').at(-1)))
  const sources = readdirSync(dataPlane, { recursive: true, encoding: 'utf8' })
    .filter(
      file => file.endsWith('.ts') && !file.endsWith('.test.ts') && !OTHERS.some(folder => file.startsWith(folder)),
    )
    .map(file => readFileSync(join(dataPlane, file), 'utf8'))
  const unpacked = sources.flatMap(text => [...text.matchAll(/unpackAny\([^,]+, (\w+)Schema\)/g)])
  const compared = sources.flatMap(text => [...text.matchAll(/\bv3\\?\.([A-Z]\w+)(?:'|\$\/)/g)])
  const names = [...unpacked, ...compared].map(([, name]) => name)
  assert.deepEqual(
    names.filter(name => !known.has(name)),
    [],
  )
  assert.ok(names.length > 30)
})
