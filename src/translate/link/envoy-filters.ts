// Which EnvoyFilters hold for a workload: all that select it, those of the root namespace first (Istio).
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { HttpFilterPatch, PatchContext, RoutePatch } from '../../model/envoy-filter.ts'
import type { Origin } from '../../model/origin.ts'
import { type Labels, selects } from './label-selector.ts'
import { originOf } from './precedence.ts'

/** In the order in which they are applied. */
export interface EnvoyPatches {
  /** Differs where the patches do. */
  readonly key: string
  readonly filters: readonly HttpFilterPatch[]
  readonly routes: readonly RoutePatch[]
  readonly origins: readonly Origin[]
}

export class EnvoyFilters {
  readonly #all: readonly ConfigObjectOf<'EnvoyFilter'>[]
  readonly #rootNamespace: string

  /** `all` in order of precedence. */
  constructor(all: readonly ConfigObjectOf<'EnvoyFilter'>[], rootNamespace: string) {
    const isRoot = (filter: ConfigObjectOf<'EnvoyFilter'>): boolean => filter.namespace === rootNamespace
    this.#all = [...all.filter(isRoot), ...all.filter(filter => !isRoot(filter))]
    this.#rootNamespace = rootNamespace
  }

  of(namespace: string, labels: Labels, context: PatchContext): EnvoyPatches {
    const chosen = this.#all.filter(
      filter =>
        (filter.namespace === namespace || filter.namespace === this.#rootNamespace) &&
        selects(filter.spec.selector ?? {}, labels),
    )
    const patches = chosen.flatMap(({ spec }) => spec.patches).filter(patch => patch.context === context)
    return {
      key: chosen.map(filter => `${filter.namespace}/${filter.name}`).join(','),
      filters: patches.filter(patch => patch.kind === 'http-filter'),
      routes: patches.filter(patch => patch.kind !== 'http-filter'),
      origins: chosen.map(originOf),
    }
  }
}
