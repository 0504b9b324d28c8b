// WEFT-4xxx: the data plane: xDS resources refused, broken invariants.

export const DATA_PLANE_PROBLEMS = {} as const
