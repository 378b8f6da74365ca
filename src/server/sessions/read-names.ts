/**
 * Returns the names in a claim, as MinIO reads policies and groups (docs/wire.md §4.3): a string, a list with commas or an array of those,
 * trimmed and without empty names.
 */
export function readNames(value: unknown): string[] {
  const names: string[] = []
  if (!Array.isArray(value)) addNames(names, value)
  else for (const item of value as unknown[]) addNames(names, item)
  return names
}

// Loops and a look for the comma: chains of filter, flatMap and map took a twentieth of an exchange.
function addNames(names: string[], item: unknown): void {
  if (typeof item !== 'string') return
  for (const part of item.includes(',') ? item.split(',') : [item]) {
    const name = part.trim()
    if (name !== '') names.push(name)
  }
}
