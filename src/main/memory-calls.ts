// The two calls of the C library that give a process's memory back to the kernel. Node reaches them by `node:ffi`, which
// is experimental: this file alone knows of it, and whatever is not as expected means that there are none.
import type { MemoryRange } from './program-pages.ts'

export interface MemoryCalls {
  /** What was freed, but is kept for the next allocation. */
  trimHeap(): void
  /** False: the kernel would not. To be asked for pages alone that can be read again from their file. */
  dropPages(range: MemoryRange): boolean
}

/** <sys/mman.h>, the same on every Linux. */
const MADV_DONTNEED = 4
/** Where `size_t` has 64 bits, and the kernel's ABI was tried. */
const ARCHITECTURES = ['x64', 'arm64']

/** Null on other systems, on a Node without it, or where it is not permitted. */
export function openMemoryCalls(): MemoryCalls | null {
  if (process.platform !== 'linux' || !ARCHITECTURES.includes(process.arch)) return null
  try {
    const ffi = withoutWarning(() => process.getBuiltinModule('node:ffi'))
    const { lib } = ffi.dlopen(null)
    // Not in every C library: musl has nothing to trim.
    const hasTrim = isThere(() => lib.getSymbol('malloc_trim'))
    const trim = hasTrim ? lib.getFunction('malloc_trim', { return: 'i32', arguments: ['u64'] }) : null
    const advise = lib.getFunction('madvise', { return: 'i32', arguments: ['u64', 'u64', 'i32'] })
    return {
      trimHeap: () => void trim?.(0n),
      dropPages: ({ from, to }) => advise(from, to - from, MADV_DONTNEED) === 0,
    }
  } catch {
    return null
  }
}

/** Node says at the first use that it is experimental, on the terminal of people who have not asked for it. */
function withoutWarning<T>(load: () => T): T {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}

function isThere(look: () => unknown): boolean {
  try {
    look()
    return true
  } catch {
    return false
  }
}
