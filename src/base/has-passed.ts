/** Whether a span of time is over. A clock that was set back leaves open how long it has been: then it is over as well. */
export function hasPassed(spanMs: number, sinceMs: number, nowMs: number): boolean {
  return nowMs - sinceMs >= spanMs || nowMs < sinceMs
}
