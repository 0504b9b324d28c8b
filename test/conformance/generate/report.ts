// A difference as a person wants to read it: where to find it again, what was sent, what each mesh made of it.
import type { Batch } from './batch.ts'
import type { Finding } from './verdict.ts'

export function describe({ seed }: Batch, { request, index, istio, differences }: Finding): string {
  const { proxy, url, method = 'GET', headers = {} } = request
  const lines = differences.map(({ field, recorded, weft }) => `    ${field}: Istio ${recorded}, Weft ${weft}`)
  const { status, flags, details, cluster, route } = istio
  lines.unshift(`    Istio: ${[status, flags, details, cluster, route].map(each => each ?? '-').join(' ')}`)
  return `seed ${seed}, request ${index + 1}: ${method} ${url} by ${proxy} ${JSON.stringify(headers)}\n${lines.join('\n')}`
}
