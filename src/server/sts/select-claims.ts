import { isObject, type JsonObject } from '../../base/parse.ts'

// Claims that mean something inside a MinIO session; an identity provider that lets users choose claim names must not set them.
const internalClaims = new Set([
  'accessKey',
  'sessionPolicy',
  'roleArn',
  'parent',
  'sa-policy',
  'ldapUser',
  'ldapUsername',
  'tokenRevokeType',
])

/** What policies may ask about: strings, numbers, booleans, and lists of strings. Nested objects stay behind. */
export function selectClaims(claims: JsonObject): JsonObject {
  const selected: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(claims)) {
    if (internalClaims.has(name) || isObject(value)) continue
    if (Array.isArray(value) && !value.every((item) => typeof item === 'string')) continue
    selected[name] = value
  }
  return selected
}
