import { isObject, type JsonObject } from '../../base/parse.ts'

// Claims that have a meaning in a MinIO session. They are never copied from a token, because some identity providers let users name claims.
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

/** Returns the claims that a session keeps for policies: strings, numbers, booleans and lists of strings. Objects are left out. */
export function selectClaims(claims: JsonObject): JsonObject {
  const selected: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(claims)) {
    if (internalClaims.has(name) || isObject(value)) continue
    if (Array.isArray(value) && !value.every((item) => typeof item === 'string')) continue
    selected[name] = value
  }
  return selected
}
