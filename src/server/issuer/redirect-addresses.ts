/** Where the provider may send a browser after a login. */
import { isLoopback } from '../../base/http/loopback.ts'
import type { Provider } from './oidc-library.ts'

/**
 * Makes the provider accept every address of this machine, and the operator's own ones exactly as written. Any program here may listen at
 * any port and path (RFC 8252 §7.3): MinIO's samples use `/oauth2/callback`, and the library compares paths with a list. What protects the
 * code on its way is PKCE, which the provider requires of clients without a secret.
 */
export function allowRedirectAddresses(provider: Provider, others: readonly string[]): void {
  provider.Client.prototype.redirectUriAllowed = (value: string) =>
    others.includes(value) || isOwnAddress(value)
}

/** Returns whether a text is the http or https address of something on this machine, written as the URL standard writes it. */
export function isOwnAddress(text: string): boolean {
  if (!isLoopback(text)) return false
  const { protocol, href, hash, username, password, hostname } = new URL(text)
  // The name would be resolved by whatever resolver the browser uses.
  if (hostname.endsWith('.localhost')) return false
  if (!/^https?:$/.test(protocol) || hash !== '' || username !== '' || password !== '') return false
  return href === text || href === `${text}/`
}
