// What weft's exit codes say: those of istioctl.

export const EXIT = {
  ok: 0,
  failure: 1,
  /** The command line itself was wrong. */
  usage: 64,
  /** Problems were found in config. */
  problems: 79,
} as const
