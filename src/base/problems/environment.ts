// WEFT-3xxx: the environment at start: ports, files, directories, processes.

export const ENVIRONMENT_PROBLEMS = {} as const
