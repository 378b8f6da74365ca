/** Type checks for outside values. Everything parsed from JSON is `unknown` until these functions have checked it. */

export type JsonObject = Readonly<Record<string, unknown>>

/** Returns true for a plain object (not null, not an array). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the member `name` when it is a string, else undefined. Inherited members do not count. */
export function readString(object: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined
  return typeof value === 'string' ? value : undefined
}

/** Returns the member `name` when it is a finite number, else undefined. */
export function readNumber(object: JsonObject, name: string): number | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** Returns the member `name` as a list of strings: an array's strings, or a single string; else empty. */
export function readStrings(object: JsonObject, name: string): string[] {
  const value = Object.hasOwn(object, name) ? object[name] : undefined
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) return []
  return value.filter((item): item is string => typeof item === 'string')
}

/** Parses JSON text into an object; undefined when it is not JSON or not an object. */
export function parseJsonObject(text: string): JsonObject | undefined {
  const value = parseJson(text)
  return isObject(value) ? value : undefined
}

/** Parses JSON text; undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
