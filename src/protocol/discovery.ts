/** The metadata of a provider by OpenID Connect Discovery 1.0 §3 and RFC 8414. */
import { isObject, readString } from '../base/parse.ts'

export interface Discovery {
  readonly issuer: string
  readonly tokenEndpoint: string | undefined
  readonly jwksUri: string | undefined
  readonly authorizationEndpoint: string | undefined
  readonly deviceAuthorizationEndpoint: string | undefined
}

/** Parses a discovery document; undefined when it is not one (not an object, or without an issuer). */
export function parseDiscovery(json: unknown): Discovery | undefined {
  if (!isObject(json)) return undefined
  const issuer = readString(json, 'issuer')
  if (issuer === undefined) return undefined
  return {
    issuer,
    tokenEndpoint: readHttpUrl(json, 'token_endpoint'),
    jwksUri: readHttpUrl(json, 'jwks_uri'),
    authorizationEndpoint: readHttpUrl(json, 'authorization_endpoint'),
    deviceAuthorizationEndpoint: readHttpUrl(json, 'device_authorization_endpoint'),
  }
}

/** Returns the URL of an issuer's discovery document: the issuer's URL followed by the well-known path. */
export function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
}

function readHttpUrl(json: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const text = readString(json, name)
  if (text === undefined || !URL.canParse(text)) return undefined
  const { protocol } = new URL(text)
  return protocol === 'https:' || protocol === 'http:' ? text : undefined
}
