// A broken invariant: thrown under test, counted and logged in production, where serving on beats stopping.

let handler: (message: string) => void = message => {
  throw new Error(`broken invariant: ${message}`)
}

/** Production's composition roots count and log instead of throwing. */
export function onBug(report: (message: string) => void): void {
  handler = report
}

/** Reports that what the code takes for impossible has happened; returns in production. */
export function bug(message: string): void {
  handler(message)
}
