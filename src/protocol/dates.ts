/** Times as the protocols write them. */

/** Returns a time as `20260131T235959Z`, as signatures have it (AWS, «Elements of an AWS API request signature»). */
export function formatAmzDate(instantMs: number): string {
  return new Date(instantMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
}

/** Returns the Unix time in milliseconds of a text in that form; NaN for any other text. */
export function parseAmzDateMs(text: string): number {
  if (text === lastAmzDate.text) return lastAmzDate.instantMs
  const form = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/
  const instantMs = form.test(text)
    ? Date.parse(text.replace(form, '$1-$2-$3T$4:$5:$6Z'))
    : Number.NaN
  lastAmzDate = { text, instantMs }
  return instantMs
}

/** Requests of one second have the same date. */
let lastAmzDate = { text: '', instantMs: Number.NaN }

/** Returns a time as `2026-01-31T23:59:59Z`; milliseconds only where there are any. */
export function formatUtc(instantMs: number): string {
  if (instantMs === lastUtc.instantMs) return lastUtc.text
  lastUtc = { instantMs, text: new Date(instantMs).toISOString().replace('.000Z', 'Z') }
  return lastUtc.text
}

/** Requests of one second write the same times, and writing one costs as much as an HMAC of it. */
let lastUtc = { instantMs: Number.NaN, text: '' }
