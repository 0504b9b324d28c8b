// WEFT-4xxx: the data plane: xDS resources refused, broken invariants.

export const DATA_PLANE_PROBLEMS = {
  'WEFT-4001': {
    title: 'field not honoured',
    meaning:
      'An xDS resource sets a field that this proxy does not act on. It refuses the resource: nothing is ignored.',
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
  'WEFT-4101': {
    title: 'listener cannot bind',
    meaning: 'The address of a listener is in use, not of this machine, or not allowed. The proxy keeps trying.',
    remedy: 'Free the port, or give the listener another; `weft ps` shows which ports the mesh uses.',
  },
  'WEFT-4102': {
    title: 'resource cannot be read',
    meaning:
      'An xDS resource is of another type than announced, is not decodable, or its name differs from its envelope.',
    remedy: 'This is a fault of the control plane: report it with the message.',
  },
  'WEFT-4103': {
    title: 'secret not usable',
    meaning: 'A secret holds no certificate, or a key that does not belong to it.',
    remedy: 'Look at the certificate authority that issued it; the secret before stays in force.',
  },
} as const
