// Tables as istioctl prints them: Go's tabwriter, five spaces between columns, the last one not padded.

const PADDING = 5

/** Lines of equal columns, each ending in a newline; an empty cell stays empty. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)))
  return lines.map(line => `${formatLine(line, widths)}\n`).join('')
}

function formatLine(cells: readonly string[], widths: readonly number[]): string {
  const last = widths.length - 1
  return widths
    .map((width, column) => (column === last ? (cells[column] ?? '') : (cells[column] ?? '').padEnd(width + PADDING)))
    .join('')
    .trimEnd()
}
