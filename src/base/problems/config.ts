// WEFT-1xxx: config that was read and refused.

export const CONFIG_PROBLEMS = {
  'WEFT-1001': {
    title: 'not YAML',
    meaning: 'The text could not be parsed as YAML.',
    remedy: 'Mend the syntax at the position named.',
  },
} as const
