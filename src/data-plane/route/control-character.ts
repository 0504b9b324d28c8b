// What no field of HTTP may hold (RFC 9110 5.5), and what would break out of where it stands.

export function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 32 && unit !== 9) return true
    if (unit === 127) return true
  }
  return false
}

/** Each becomes an underscore. */
export function withoutControl(text: string): string {
  if (!hasControl(text)) return text
  let safe = ''
  for (const unit of text) safe += hasControl(unit) ? '_' : unit
  return safe
}
