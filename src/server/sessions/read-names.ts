/** A string, a comma list or an array of those, trimmed, empties dropped: how MinIO reads a claim that names policies or groups (docs/wire.md §4.3). */
export function readNames(value: unknown): string[] {
  const items: unknown[] = Array.isArray(value) ? value : [value]
  return items
    .filter((item): item is string => typeof item === 'string')
    .flatMap((item) => item.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
