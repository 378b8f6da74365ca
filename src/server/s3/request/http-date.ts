/** Dates of HTTP headers (RFC 9110 §5.6.7), which have no fractions of a second. */

/** Returns an instant as headers write it: `Sat, 31 Jan 2026 23:59:59 GMT`. */
export function toHttpDate(instantMs: number): string {
  return new Date(instantMs).toUTCString()
}

/** Returns an instant as its HTTP date reads back, in milliseconds: the fraction of the second is cut off. */
export function toWholeSecondsMs(instantMs: number): number {
  return Math.floor(instantMs / 1000) * 1000
}

/** Returns the instant of an HTTP date in milliseconds; undefined for a text that is not a date, which RFC 9110 §13.1.3 ignores. */
export function readHttpDateMs(text: string | undefined): number | undefined {
  const instantMs = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(instantMs) ? undefined : instantMs
}
