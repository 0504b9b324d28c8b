import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonParts, jsonList, jsonObject, jsonText } from './json-parts.ts'

test('the text is that of JSON.stringify, made as it is read', () => {
  const made: number[] = []
  const numbers = jsonList([1, 2, 3], number => {
    made.push(number)
    return { number, lists: [[], [number]] }
  })
  const fields = Object.entries({ '"': 'line\nend', nothing: null })
  const source = jsonObject({ empty: jsonObject({}), none: jsonList([], one => one), numbers, plain: {}, deep: [[]] })
  const parts = jsonText(jsonList([source, new JsonParts('{}', fields)], one => one))
  let text = ''
  while (!text.includes('"number": 1')) text += parts.next().value
  assert.deepEqual(made, [1])
  text += [...parts].join('')
  const lists = [1, 2, 3].map(number => ({ number, lists: [[], [number]] }))
  const whole = [
    { empty: {}, none: [], numbers: lists, plain: {}, deep: [[]] },
    { '"': 'line\nend', nothing: null },
  ]
  assert.equal(text, `${JSON.stringify(whole, null, 1)}\n`)
})
