// Operations on Rollouts: how far each has come, and why.
import type { ClusterLoad } from '../load/cluster-load.ts'
import type { RolloutRun } from '../rollout/rollout-run.ts'
import type { Rollouts } from '../rollout/rollouts.ts'
import { ApiError } from './api-error.ts'
import { isoTime, namedParameters, type Operation, ok } from './operation.ts'
import { list, record } from './schemas.ts'

const ROLLOUT_SCHEMA = record({
  namespace: { type: 'string' },
  name: { type: 'string' },
  phase: { enum: ['waiting', 'progressing', 'promoted', 'rolled-back'] },
  canaryWeight: { type: 'integer', description: 'Percent of the requests.' },
  reason: { type: 'string' },
  events: list(record({})),
})

export function rolloutOperations(rollouts: Rollouts): readonly Operation[] {
  return [
    {
      id: 'listRollouts',
      method: 'GET',
      path: '/v1/rollouts',
      tag: 'Rollouts',
      summary: 'List the rollouts and how far they have come',
      answer: { status: 200, description: 'The rollouts.', schema: record({ rollouts: list(ROLLOUT_SCHEMA) }) },
      handle: () => ok({ rollouts: rollouts.all().map(run => describe(rollouts, run)) }),
    },
    {
      id: 'getRollout',
      method: 'GET',
      path: '/v1/rollouts/{namespace}/{name}',
      tag: 'Rollouts',
      summary: 'See a rollout: its phase, its weight, why, and what it did before',
      parameters: namedParameters('Rollout'),
      answer: { status: 200, description: 'The rollout.', schema: ROLLOUT_SCHEMA },
      errors: { 404: 'No such Rollout.' },
      examplePath: '/v1/rollouts/default/reviews-v3',
      handle: ({ path: { namespace, name } }) => {
        const run = rollouts.all().find(({ key }) => key.namespace === namespace && key.name === name)
        if (run === undefined) throw new ApiError(404, 'WEFT-2002', `no Rollout ${namespace}/${name}`)
        return ok(describe(rollouts, run))
      },
    },
  ]
}

function describe(rollouts: Rollouts, run: RolloutRun): Record<string, unknown> {
  const { key, object, state, weight, progress } = run
  const { host, stable, canary, version, steps, intervalMs, thresholds } = object.spec
  const maximumMs = thresholds.latency?.maximumMs
  const seen = rollouts.lastSeen(run)
  const figures = (load: ClusterLoad): Record<string, number> => {
    const { requests, failed, timed } = load
    return { requests, failed, ...(maximumMs === undefined ? {} : { timed, slow: load.slowerThan(maximumMs) }) }
  }
  return {
    namespace: key.namespace,
    name: key.name,
    host,
    stable,
    canary,
    version,
    phase: state.phase,
    canaryWeight: weight,
    reason: state.reason,
    step: { index: state.step, of: steps.length, heldMs: state.heldMs, holdMs: steps[state.step]?.holdMs ?? 0 },
    steps,
    intervalMs,
    thresholds,
    lastInterval: seen && { stable: figures(seen.stable), canary: figures(seen.canary) },
    events: progress.events.map(event => ({ ...event, at: isoTime(event.at) })),
  }
}
