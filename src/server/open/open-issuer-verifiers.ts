import type { FetchJson } from '../../base/http/json-client.ts'
import { createTokenVerifier, type TokenVerifier } from '../identity/token-verifier.ts'
import type { ServerOptions } from '../options/server-options.ts'
import type { RoleDocument } from '../policy/role-document.ts'

/** Opens a verifier for every issuer that the role trusts. Roles share them. Nothing is fetched before an issuer's first token. */
export function openIssuerVerifiers(
  { trust }: RoleDocument,
  verifiers: Map<string, TokenVerifier>,
  options: ServerOptions & { readonly fetchJson: FetchJson },
): void {
  for (const { issuer } of trust) {
    if (verifiers.has(issuer)) continue
    const configUrl = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    verifiers.set(issuer, createTokenVerifier({ ...options, configUrl }))
  }
}
