/** The table of STS actions. */
import { assumeRole } from './assume-role.ts'
import { assumeRoleWithCertificate } from './assume-role-with-certificate.ts'
import { assumeRoleWithCustomToken } from './assume-role-with-custom-token.ts'
import { assumeRoleWithLdapIdentity } from './assume-role-with-ldap-identity.ts'
import { federateToken } from './federate-token.ts'
import { decodeAuthorizationMessage } from './decode-authorization-message.ts'
import { getAccessKeyInfo } from './get-access-key-info.ts'
import { getFederationToken } from './get-federation-token.ts'
import { getSessionToken } from './get-session-token.ts'
import { getCallerIdentity } from './get-caller-identity.ts'
import { requireParameter } from './require-parameter.ts'
import type { StsAction } from './sts-action.ts'

/** Exchanges an application's access token, from the client credentials grant, for temporary credentials. */
const assumeRoleWithClientGrants: StsAction = {
  name: 'AssumeRoleWithClientGrants',
  isIssuing: true,
  run: (request, services) =>
    federateToken(
      requireParameter(request.parameters, 'Token', 'WebIdentityToken'),
      request,
      services,
    ),
}

/** Exchanges a user's ID token for temporary credentials. Like MinIO, it also accepts the parameter `Token` (docs/wire.md §1.2). */
const assumeRoleWithWebIdentity: StsAction = {
  name: 'AssumeRoleWithWebIdentity',
  isIssuing: true,
  run: (request, services) =>
    federateToken(
      requireParameter(request.parameters, 'WebIdentityToken', 'Token'),
      request,
      services,
    ),
}

/** The STS actions, by name. */
export const actions: ReadonlyMap<string, StsAction> = new Map(
  [
    assumeRoleWithClientGrants,
    assumeRoleWithWebIdentity,
    assumeRole,
    getCallerIdentity,
    getSessionToken,
    getFederationToken,
    getAccessKeyInfo,
    decodeAuthorizationMessage,
    assumeRoleWithLdapIdentity,
    assumeRoleWithCertificate,
    assumeRoleWithCustomToken,
  ].map((action) => [action.name, action]),
)
