// WEFT-4xxx: the data plane: xDS resources refused, broken invariants.

export const DATA_PLANE_PROBLEMS = {
  'WEFT-4001': {
    title: 'field not honoured',
    meaning: 'An xDS resource sets a field that this proxy does not act on. It refuses the resource: nothing is ignored.',
    remedy: 'Leave the field out, or put a proxy there that honours it.',
  },
  'WEFT-4002': {
    title: 'bad value in an xDS resource',
    meaning: 'A field of an xDS resource is missing, out of range, or contradicts another.',
    remedy: 'Mend the value at the path named; the message says what is expected.',
  },
  'WEFT-4003': {
    title: 'pattern not accepted',
    meaning: 'A regular expression is not RE2 syntax, or is larger than the limit.',
    remedy: 'Rewrite it in RE2 syntax: no backreferences, no lookaround, repetition counts up to 1000.',
  },
  'WEFT-4004': {
    title: 'command operator not known',
    meaning: 'An access log format or header value uses a command operator (%NAME%) that this proxy does not know.',
    remedy: 'Take an operator that the message lists, or write %% for a percent sign.',
  },
} as const
