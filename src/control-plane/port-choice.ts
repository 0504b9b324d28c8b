// Which port to listen on: the one asked for, else the one of last time, else any.
import type { Settings } from './store/settings.ts'

export interface PortWish {
  /** For the setting and the error: `api`, `xds`, `join`. */
  readonly name: string
  /** 0: any free one; undefined: the one of last time, or the default. */
  readonly asked: number | undefined
  readonly fallback: number
}

export class PortInUse extends Error {
  constructor(name: string, port: number) {
    super(`WEFT-2019: port ${port} is in use; choose another with --${name}-port (0: any free one)`)
  }
}

/** Opens the first port of those in question that is free, and remembers it. Rejects with PortInUse. */
export async function openOnPort<T extends { readonly port: number }>(
  wish: PortWish,
  settings: Settings,
  open: (port: number) => Promise<T>,
): Promise<T> {
  const kept = Number(settings.read(`port.${wish.name}`) ?? 0)
  const candidates = candidatesOf(wish, kept)
  for (const [index, port] of candidates.entries()) {
    try {
      const opened = await open(port)
      settings.write(`port.${wish.name}`, String(opened.port))
      return opened
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
      if (index === candidates.length - 1) throw new PortInUse(wish.name, port)
    }
  }
  throw new PortInUse(wish.name, wish.asked ?? wish.fallback)
}

function candidatesOf({ asked, fallback }: PortWish, kept: number): readonly number[] {
  if (asked !== undefined && asked > 0) return [asked]
  const last = asked === 0 ? 0 : fallback
  return kept > 0 && kept !== last ? [kept, last] : [last]
}
