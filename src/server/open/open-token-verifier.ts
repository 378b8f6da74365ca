import { createJsonClient } from '../../base/http/json-client.ts'
import { createTokenVerifier, type TokenVerifier } from '../identity/token-verifier.ts'
import type { RunningIssuer } from '../issuer/start-issuer.ts'
import type { ServerOptions, SharedProvider } from '../options/server-options.ts'
import type { Closers } from './closers.ts'

/** Limits of requests for key sets and discovery documents. */
export const providerLimits = { timeoutMs: 5000, maxBytes: 1024 * 1024 }

/** Returns the embedded provider, which runs in this process or, for a worker, in the primary; undefined if there is none. */
export function findEmbeddedProvider(
  { identityProvider }: ServerOptions,
  issuer: RunningIssuer | undefined,
): RunningIssuer | SharedProvider | undefined {
  return issuer ?? (identityProvider?.kind === 'shared' ? identityProvider : undefined)
}

/** Opens the verifier of the trusted issuer's tokens; undefined if there is no trusted issuer. */
export function openTokenVerifier(
  options: ServerOptions,
  issuer: RunningIssuer | undefined,
  closers: Closers,
): TokenVerifier | undefined {
  const { identityProvider, nowMs, log } = options
  const embedded = findEmbeddedProvider(options, issuer)
  if (embedded !== undefined) {
    // The keys are in this process, so that tokens can be verified from the start, without a request.
    const jwksUrl = String(embedded.jwksUrl)
    return createTokenVerifier({ jwksUrl, fetchJson: () => readKeys(embedded), nowMs, log })
  }
  if (identityProvider?.kind !== 'external') return undefined
  const { jwksUrl, configUrl, clientId, ca } = identityProvider
  const { fetchJson, close } = createJsonClient({ ...providerLimits, ca })
  closers.push(close)
  return createTokenVerifier({ jwksUrl, configUrl, clientId, fetchJson, nowMs, log })
}

/** Returns the key set of the embedded provider, as soon as it is generated. */
async function readKeys(embedded: RunningIssuer | SharedProvider): Promise<unknown> {
  return 'jwks' in embedded ? embedded.jwks : embedded.readKeys()
}
