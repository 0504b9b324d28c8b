import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { FakeClock } from '../../base/clock.ts'
import { SeededRandom } from '../../base/random.ts'
import { Cluster_DiscoveryType, ClusterSchema } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { unchecked } from '../health-checker/check-state.ts'
import { LOOP_LIMITS } from '../process-limits/loop-limits.ts'
import { createStats } from '../stats/stats-store.ts'
import { compileCluster } from './cluster-config.ts'
import { ClusterEndpoint } from './cluster-endpoint.ts'
import { NOBODY } from './cluster-picker.ts'
import { createClusterStats } from './cluster-stats.ts'
import { OWN_CHECK_OPTIONS } from './endpoint-spec.ts'
import { ManagedCluster } from './managed-cluster.ts'
import { ResourceManager } from './resource-manager.ts'

const NO_PANIC = { healthyPanicThreshold: { value: 0 } }

/** Four endpoints that are checked, and how many of them each picker was made of. */
function scene(hashes: boolean) {
  const made: number[] = []
  const message = create(ClusterSchema, {
    name: 'c',
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    commonLbConfig: NO_PANIC,
  })
  const compiled = compileCluster(message, () => ({
    ok: true,
    value: { name: 'raw_buffer', connect: () => assert.fail('not dialled here') },
  }))
  assert.ok(compiled.ok)
  const createPicker = (endpoints: readonly unknown[]) => {
    made.push(endpoints.length)
    return NOBODY
  }
  const stats = createClusterStats(createStats().root)
  const clock = new FakeClock()
  const cluster = new ManagedCluster(
    { ...compiled.value, loadBalancer: { hashes, createPicker } },
    {
      stats,
      resources: new ResourceManager(LOOP_LIMITS, 'c', stats).default,
      makeHighPriority: () => assert.fail('not asked for here'),
    },
    { clock, random: new SeededRandom(1) },
  )
  const spec = {
    address: '127.0.0.1',
    hostname: '',
    weight: 1,
    priority: 0,
    locality: { region: '', zone: '', subZone: '' },
    localityWeight: 0,
    usable: true,
    draining: false,
    degraded: false,
    hashKey: null,
    transportMatch: {},
    checkOptions: OWN_CHECK_OPTIONS,
  }
  cluster.setEndpoints([1, 2, 3, 4].map(port => ({ ...spec, port })))
  const turn = (index: number, failed: boolean): void => {
    const endpoint = cluster.endpoints[index]
    assert.ok(endpoint instanceof ClusterEndpoint)
    endpoint.check = unchecked(failed, false)
    cluster.onHealthChanged(failed)
  }
  return { cluster, clock, made, turn }
}

test('however many checks find something out, a picker is made when it is asked for', () => {
  const { cluster, made, turn } = scene(false)
  for (const index of [0, 1, 2]) turn(index, true)
  assert.deepEqual(made, [4])
  assert.notEqual(cluster.picker, null)
  assert.deepEqual(made, [4, 1])
  turn(0, false)
  assert.equal(cluster.picker, cluster.picker)
  assert.deepEqual(made, [4, 1, 2])
})

test('of a policy that hashes, those who come back are gathered for a second; who fails is out at once', () => {
  const { cluster, clock, made, turn } = scene(true)
  const ask = (): void => assert.notEqual(cluster.picker, null)
  for (const index of [0, 1, 2]) turn(index, true)
  ask()
  assert.deepEqual(made, [4, 1])
  turn(0, false)
  ask()
  clock.advance(999)
  turn(1, false)
  ask()
  assert.deepEqual(made, [4, 1])
  clock.advance(1)
  ask()
  assert.deepEqual(made, [4, 1, 3])
  turn(2, false)
  turn(3, true)
  ask()
  assert.deepEqual(made, [4, 1, 3, 3])
  // After a quiet while nobody waits.
  clock.advance(1000)
  turn(3, false)
  ask()
  assert.deepEqual(made, [4, 1, 3, 3, 4])
  // That all of them have been checked is the end of any wait.
  turn(0, true)
  ask()
  turn(0, false)
  cluster.onAllChecked()
  ask()
  assert.deepEqual(made, [4, 1, 3, 3, 4, 3, 4])
})
