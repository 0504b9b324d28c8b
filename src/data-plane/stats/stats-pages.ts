// The pages of statistics on the admin port, whoever has counted.
import { prometheusLines } from './prometheus-text.ts'
import type { Stat, StatFilter } from './stat.ts'
import { statsJsonParts, statsTextLines } from './stats-text.ts'

const LINES_OF_A_PIECE = 500

const everything: StatFilter = () => true

/**
 * The pages of the admin port, in pieces that take a millisecond or two each: between them whoever prints one lets requests
 * go on. A thousand clusters make 7 MB of Prometheus' format. Values are as they are when their piece is made.
 */
export interface StatsPages {
  /** Envoy's /stats: `name: value` lines in the order of their names, histograms last. */
  text(filter?: StatFilter): Iterable<string>
  /** Envoy's /stats?format=json. */
  json(filter?: StatFilter): Iterable<string>
  /** Envoy's /stats/prometheus. */
  prometheus(filter?: StatFilter): Iterable<string>
}

export function pagesOf(stats: ReadonlyMap<string, Stat>): StatsPages {
  const sorted = (): Stat[] => [...stats.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    text: (filter = everything) => inPieces(statsTextLines(sorted(), filter)),
    json: (filter = everything) => inPieces(statsJsonParts(sorted(), filter)),
    prometheus: (filter = everything) => inPieces(prometheusLines(sorted(), filter)),
  }
}

/** Empty lines count, too: each stands for a stat that was looked at. */
function* inPieces(lines: Iterable<string>): Generator<string> {
  let [piece, count] = ['', 0]
  for (const line of lines) {
    piece += line
    if (++count % LINES_OF_A_PIECE > 0) continue
    yield piece
    piece = ''
  }
  if (piece !== '' || count === 0) yield piece
}
