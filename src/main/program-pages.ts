// Which pages of a process are an unmodified copy of its program's file, or a library's: the kernel can take those at any
// time and read them again when they are used, and so may the process give them back.

/** Addresses, from the first up to before the last. */
export interface MemoryRange {
  readonly from: bigint
  readonly to: bigint
}

/** `ADDRESSES PERMISSIONS OFFSET DEVICE INODE PATH` of proc(5): private and not writable, and with a file. */
const CLEAN_MAPPING = /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) r-[x-]p [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [1-9]\d* +(\/.*)$/
/** As the dynamic linker finds it. */
const LIBRARY = /\.so(\.\d+)*$/
const HEADING = /^[0-9a-f]/
const FIELD = /^(\w+): +(\d+) kB$/
/** Pages that are not the file's any more, by relocation or a breakpoint; swapped out, they count in `Swap` alone. */
const MUST_BE_NONE = ['Shared_Dirty', 'Private_Dirty', 'Anonymous', 'Swap']
const SMALLEST_PAGE = 4096n
/** Half of the address space is the kernel's, on every processor with 64 bits. */
const USER_SPACE_END = 1n << 63n

/** Of a Linux process, as /proc/self/smaps describes it. What is not said there clearly is not taken. */
export function unmodifiedPages(smaps: string, program: string): readonly MemoryRange[] {
  const ranges: MemoryRange[] = []
  let range: MemoryRange | null = null
  const proven = new Set<string>()
  for (const line of smaps.split('\n')) {
    if (HEADING.test(line)) {
      range = cleanMapping(line, program)
      proven.clear()
      continue
    }
    if (range === null) continue
    const [, name = '', kilobytes] = FIELD.exec(line) ?? []
    if (!MUST_BE_NONE.includes(name)) continue
    if (kilobytes === '0') proven.add(name)
    else range = null
    if (range === null || proven.size < MUST_BE_NONE.length) continue
    ranges.push(range)
    range = null
  }
  return ranges
}

function cleanMapping(line: string, program: string): MemoryRange | null {
  const [, first, last, path] = CLEAN_MAPPING.exec(line) ?? []
  if (path === undefined || (path !== program && !LIBRARY.test(path))) return null
  const [from, to] = [BigInt(`0x${first}`), BigInt(`0x${last}`)]
  const isWhole = from % SMALLEST_PAGE === 0n && to % SMALLEST_PAGE === 0n
  return isWhole && from > 0n && from < to && to <= USER_SPACE_END ? { from, to } : null
}
