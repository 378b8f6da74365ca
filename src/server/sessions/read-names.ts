/**
 * Returns the names in a claim, as MinIO reads policies and groups (docs/wire.md §4.3): a string, a list with commas or an array of those,
 * trimmed and without empty names.
 */
export function readNames(value: unknown): string[] {
  const items: unknown[] = Array.isArray(value) ? value : [value]
  return items
    .filter((item): item is string => typeof item === 'string')
    .flatMap((item) => item.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
