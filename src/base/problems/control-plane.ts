// WEFT-2xxx: the control plane: registry, store, certificates, xDS.

export const CONTROL_PLANE_PROBLEMS = {} as const
