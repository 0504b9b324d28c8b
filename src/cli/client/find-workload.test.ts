import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseWorkload } from './find-workload.ts'

const workloads = ['reviews-v1-0', 'reviews-v2-0', 'reviews-v2-1', 'ratings-v1-0', 'ratings'].map(name => ({
  name,
  namespace: 'default',
}))
const choose = (name: string, namespace = 'default') => chooseWorkload(workloads, { name, namespace }).name

test('a name is itself before it is a beginning; a beginning that one has is that one', () => {
  assert.equal(choose('ratings'), 'ratings')
  assert.equal(choose('reviews-v1'), 'reviews-v1-0')
})

test('several, none and another namespace are said in one line', () => {
  assert.throws(() => choose('reviews-v2'), /"reviews-v2" is one of reviews-v2-0, reviews-v2-1: say which/)
  assert.throws(() => choose('review'), /no workload "review" in namespace default/)
  assert.throws(() => choose('ratings', 'other'), /no workload "ratings" in namespace other/)
})
