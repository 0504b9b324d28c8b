// The product's number, as every service of Bookinfo takes it in its path.

/** Null when `text` is no whole number of at most nine digits. */
export function parseProductId(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null
}
