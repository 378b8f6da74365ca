const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * Parses a duration as people write it: `900`, `900s`, `15m`, `1h`, `1h30m`.
 *
 * @returns Whole seconds, or undefined when the text is not a duration. A bare number is seconds.
 */
export function parseDurationSeconds(text: string): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  if (!/^(\d{1,10}[smhd])+$/.test(text)) return undefined
  let seconds = 0
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+)([smhd])/g)) {
    seconds += Number(amount) * (unitSeconds[unit] ?? Number.NaN)
  }
  return Number.isSafeInteger(seconds) ? seconds : undefined
}

/** Formats a span of time for people: `59m 58s`, `2h 5m`, `12s`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const days = Math.floor(whole / 86_400)
  const hours = Math.floor((whole % 86_400) / 3600)
  const minutes = Math.floor((whole % 3600) / 60)
  if (days > 0) return `${days}d ${hours}h`
  if (hours > 0) return `${hours}h ${minutes}m`
  if (minutes > 0) return `${minutes}m ${whole % 60}s`
  return `${whole}s`
}
