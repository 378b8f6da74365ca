/** Returns an instant in ISO 8601, UTC; without the milliseconds where they are zero: `2026-01-31T23:59:59Z`. */
export function toIsoDate(instantMs: number): string {
  return new Date(instantMs).toISOString().replace('.000Z', 'Z')
}
