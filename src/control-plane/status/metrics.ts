// Figures about the control plane itself, in Prometheus' text format, under istiod's names where istiod has them.

type Labels = Readonly<Record<string, string>>

export interface Counter {
  increment(labels?: Labels): void
}

export interface Histogram {
  observe(value: number): void
}

interface Family {
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  lines(name: string): readonly string[]
}

const CONVERGENCE_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 3, 5, 10, 20, 30]

export class Metrics {
  readonly #families = new Map<string, Family>()
  readonly #counters = new Map<string, Counter>()

  /** The same name again gives the same counter. */
  counter(name: string, help: string): Counter {
    const known = this.#counters.get(name)
    if (known) return known
    const values = new Map<string, number>()
    this.#families.set(name, {
      help,
      type: 'counter',
      lines: family => [...values].map(([labels, value]) => `${family}${labels} ${value}`),
    })
    const counter: Counter = {
      increment: labels => {
        const key = formatLabels(labels ?? {})
        values.set(key, (values.get(key) ?? 0) + 1)
      },
    }
    this.#counters.set(name, counter)
    return counter
  }

  /** `read` is called whenever the figures are asked for. */
  gauge(name: string, help: string, read: () => number | readonly (readonly [Labels, number])[]): void {
    const lines = (family: string): readonly string[] => {
      const value = read()
      if (typeof value === 'number') return [`${family} ${value}`]
      return value.map(([labels, one]) => `${family}${formatLabels(labels)} ${one}`)
    }
    this.#families.set(name, { help, type: 'gauge', lines })
  }

  /** Of seconds. */
  histogram(name: string, help: string, buckets: readonly number[] = CONVERGENCE_BUCKETS): Histogram {
    const counts = buckets.map(() => 0)
    let [count, sum] = [0, 0]
    const lines = (family: string): readonly string[] => [
      ...buckets.map((bound, index) => `${family}_bucket{le="${bound}"} ${counts[index]}`),
      `${family}_bucket{le="+Inf"} ${count}`,
      `${family}_sum ${sum}`,
      `${family}_count ${count}`,
    ]
    this.#families.set(name, { help, type: 'histogram', lines })
    return {
      observe: value => {
        count++
        sum += value
        for (const [index, bound] of buckets.entries()) if (value <= bound) counts[index] = (counts[index] ?? 0) + 1
      },
    }
  }

  text(): string {
    let text = ''
    for (const [name, family] of this.#families) {
      const lines = family.lines(name)
      text += `# HELP ${name} ${family.help}\n# TYPE ${name} ${family.type}\n`
      for (const line of lines) text += `${line}\n`
    }
    return text
  }
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return pairs.length > 0 ? `{${pairs.join(',')}}` : ''
}
