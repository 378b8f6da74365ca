/** Dates of HTTP headers (RFC 9110 §5.6.7), which have no fractions of a second. */

/** Returns an instant as headers write it: `Sat, 31 Jan 2026 23:59:59 GMT`. */
export function toHttpDate(instantMs: number): string {
  const second = Math.floor(instantMs / 1000)
  const known = lastDates.get(second)
  if (known !== undefined) return known
  const text = new Date(instantMs).toUTCString()
  if (lastDates.size >= maxLastDates) lastDates.clear()
  lastDates.set(second, text)
  return text
}

/** The dates that were written last, by their seconds: objects that are read often have few of them. */
const lastDates = new Map<number, string>()
const maxLastDates = 1024

/** Returns an instant as its HTTP date reads back, in milliseconds: the fraction of the second is cut off. */
export function toWholeSecondsMs(instantMs: number): number {
  return Math.floor(instantMs / 1000) * 1000
}

/** Returns the instant of an HTTP date in milliseconds; undefined for a text that is not a date, which RFC 9110 §13.1.3 ignores. */
export function readHttpDateMs(text: string | undefined): number | undefined {
  const instantMs = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(instantMs) ? undefined : instantMs
}
