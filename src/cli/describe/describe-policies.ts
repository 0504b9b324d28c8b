// What a rule does to a request besides sending it somewhere, in the words of its YAML.
import type { HttpRoute } from '../../model/http-route.ts'

export function describePolicies(route: HttpRoute): string[] {
  const { delay, abort } = route.fault ?? {}
  const lines: string[] = []
  if (delay) lines.push(`Fault: ${delay.percentage}% delayed by ${delay.fixedMs / 1000}s`)
  if (abort)
    lines.push(`Fault: ${abort.percentage}% answered ${abort.kind === 'grpc' ? 'gRPC status ' : ''}${abort.status}`)
  if (route.timeoutMs !== undefined) lines.push(`Timeout: ${route.timeoutMs / 1000}s`)
  const { mirror, mirrorPercentage, mirrorPercent } = route
  const single = mirror === undefined ? [] : [{ ...mirror, percentage: mirrorPercentage ?? mirrorPercent }]
  for (const { destination, percentage = 100 } of [...(route.mirrors ?? []), ...single]) {
    const subset = destination.subset === '' ? '' : ` subset "${destination.subset}"`
    lines.push(`Mirror: ${percentage}% to host "${destination.host}"${subset}`)
  }
  return lines
}
