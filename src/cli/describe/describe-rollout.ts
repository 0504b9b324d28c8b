// describe rollout: how far it has come, what was seen of both subsets, and every turn it took.
import type { RolloutAnswer, RolloutFigures } from '../client/api-answer.ts'

export function describeRollout(rollout: RolloutAnswer): string[] {
  const { namespace, name, host, stable, canary, version, phase, canaryWeight, reason, step, lastInterval } = rollout
  const lines = [
    `Rollout: ${name}${namespace === 'default' ? '' : `.${namespace}`}`,
    `   Host "${host}": subset "${stable}" to "${canary}"${version === '' ? '' : `, version ${version}`}`,
    `   Phase: ${phase}, ${canaryWeight}% to "${canary}": ${reason}`,
  ]
  if (phase === 'progressing')
    lines.push(`   Step ${step.index + 1} of ${step.of}: held for ${seconds(step.heldMs)} of ${seconds(step.holdMs)}`)
  if (lastInterval !== null) {
    lines.push(`   Last interval, "${stable}": ${figures(lastInterval.stable)}`)
    lines.push(`   Last interval, "${canary}": ${figures(lastInterval.canary)}`)
  }
  for (const { at, phase: turn, weight, reason: why } of rollout.events)
    lines.push(`   ${at} ${turn} ${weight}%: ${why}`)
  return lines
}

function figures({ requests, failed, timed, slow }: RolloutFigures): string {
  const times = timed === undefined ? '' : `; of ${timed} timed, ${slow} slow`
  return `${requests} requests, ${failed} failed${times}`
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10}s`
}
