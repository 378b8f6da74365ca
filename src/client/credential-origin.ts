/** The origin of cached credentials: enough to renew exactly those, and never a secret. On the hot path of `env`: it loads nothing. */

/** One setting of the login. */
export interface OriginSetting {
  /** The source that gave it: `flag`, `variable`, `profile`, `serve`, `fallback`, `default`, or `prompt`. */
  readonly from: string
  /** Absent for a secret, and for a command line, which may contain one. */
  readonly value?: string | readonly string[]
}

/** Long flag name → the setting that the login used. */
export type CredentialOrigin = Readonly<Record<string, OriginSetting>>

/** The settings that identify credentials: with another value of one of them they are somebody else's. */
export const identityNames = [
  'sts-endpoint',
  'idp-endpoint',
  'issuer',
  'client-id',
  'grant',
  'action',
  'username',
  'role-arn',
] as const

/** The settings that say whose credentials are expected. */
export const expectationNames = ['expect-account', 'expect-issuer'] as const

/** Returns whether a value read from a cache file is an origin. */
export function isOrigin(value: unknown): value is CredentialOrigin {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('from' in entry)) return false
    if (typeof entry.from !== 'string') return false
    if (!('value' in entry)) return true
    const { value: text } = entry
    return (
      typeof text === 'string' ||
      (Array.isArray(text) && text.every((item) => typeof item === 'string'))
    )
  })
}

/** Returns the text of one setting; undefined where there is none, or it is a list. */
export function getOriginText(origin: CredentialOrigin, name: string): string | undefined {
  const value = Object.hasOwn(origin, name) ? origin[name]?.value : undefined
  return typeof value === 'string' ? value : undefined
}

/** Returns the values of one setting, which may be a list; none where there is none. */
export function getOriginValues(origin: CredentialOrigin, name: string): readonly string[] {
  const value = Object.hasOwn(origin, name) ? origin[name]?.value : undefined
  return typeof value === 'string' ? [value] : (value ?? [])
}

/** Returns whether two lists of values of a setting mean the same; of endpoints, see `isSameValue`. */
export function areSameValues(
  name: string,
  some: readonly string[],
  others: readonly string[],
): boolean {
  return (
    some.length === others.length && some.every((one, i) => isSameValue(name, one, others[i] ?? ''))
  )
}

/** Returns whether two values of a setting mean the same; endpoints are compared as URLs, so a final slash does not count. */
export function isSameValue(name: string, one: string, other: string): boolean {
  if (one === other) return true
  if (!['sts-endpoint', 'idp-endpoint', 'issuer'].includes(name)) return false
  return URL.canParse(one) && URL.canParse(other) && new URL(one).href === new URL(other).href
}

/** Returns whether both were issued by the same endpoint to the same client, by the same grant and action. */
export function isSameIdentity(one: CredentialOrigin, other: CredentialOrigin): boolean {
  return identityNames.every((name) =>
    areSameValues(name, getOriginValues(one, name), getOriginValues(other, name)),
  )
}

/** Names client and endpoint, for messages. */
export function describeOrigin(origin: CredentialOrigin): string {
  const client = getOriginText(origin, 'client-id') ?? getOriginText(origin, 'username')
  const who = client === undefined ? '' : `${client} at `
  return `${who}${getOriginText(origin, 'sts-endpoint') ?? 'an unknown endpoint'}`
}
