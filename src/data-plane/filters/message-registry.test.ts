// What a filter reads from an Any must be known by its type's name: a bootstrap is read, and a config dump written, by it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MESSAGE_REGISTRY } from '../../xds/message-registry.ts'
import { HTTP_FILTERS } from './http/registry.ts'
import { LISTENER_FILTERS } from './listener/registry.ts'
import { NETWORK_FILTERS } from './network/registry.ts'

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
