// WEFT-3xxx: the environment at start: ports, files, directories, processes.

export const ENVIRONMENT_PROBLEMS = {
  'WEFT-3001': {
    title: 'port in use',
    meaning: 'A port that the mesh was told to serve is taken by another process.',
    remedy: 'Stop that process, or give another port with --gateway-port or --api-port; 0 takes any free one.',
  },
  'WEFT-3002': {
    title: 'no mesh directory',
    meaning: 'What was given to `weft up` does not exist, is not a directory, or holds no weft.yaml.',
    remedy: 'Name the directory that holds weft.yaml.',
  },
  'WEFT-3003': {
    title: 'no mesh answers',
    meaning: 'No control plane runs from the state directory, or none answers at the address given.',
    remedy: 'Start one with `weft up DIR`, or say where it is with --state or --server.',
  },
  'WEFT-3004': {
    title: 'a mesh is running already',
    meaning: 'Another `weft up` runs from the same state directory.',
    remedy: 'Stop it, or give this one a state directory of its own with --state.',
  },
  'WEFT-3005': {
    title: 'a process did not start',
    meaning: 'The control plane, a proxy or an application ended, or was not ready in time, while the mesh started.',
    remedy: 'Read its last lines in the log file that the message names.',
  },
  'WEFT-3006': {
    title: 'no Envoy',
    meaning: 'A workload asks for `proxy: envoy`, and no Envoy binary was found.',
    remedy: 'Set ENVOY to the path of an Envoy binary, or put one on the PATH.',
  },
  'WEFT-3007': {
    title: 'state directory unusable',
    meaning: 'The state directory, or a file in it, cannot be made or read.',
    remedy: 'Check its path and permissions, or give another with --state.',
  },
} as const
