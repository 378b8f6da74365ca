/** Returns true if a span of time has passed. If the clock was set back, the elapsed time is unknown: then it counts as passed. */
export function hasPassed(spanMs: number, sinceMs: number, nowMs: number): boolean {
  return nowMs - sinceMs >= spanMs || nowMs < sinceMs
}
