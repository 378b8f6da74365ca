/** Every STS action, one line each. */
import { AwsError } from '../../protocol/aws-error.ts'
import { assumeRole } from './assume-role.ts'
import { assumeRoleWithCertificate } from './assume-role-with-certificate.ts'
import { assumeRoleWithLdapIdentity } from './assume-role-with-ldap-identity.ts'
import { federateToken } from './federate-token.ts'
import { getCallerIdentity } from './get-caller-identity.ts'
import { requireParameter } from './parameters.ts'
import type { StsAction } from './sts-action.ts'

/** An application's access token (client credentials) in, temporary credentials out. */
const assumeRoleWithClientGrants: StsAction = {
  name: 'AssumeRoleWithClientGrants',
  run: (request, services) =>
    federateToken(
      requireParameter(request.parameters, 'Token', 'WebIdentityToken'),
      request,
      services,
    ),
}

/** A user's ID token in, temporary credentials out. MinIO takes `Token` here as well (WIRE 1.2). */
const assumeRoleWithWebIdentity: StsAction = {
  name: 'AssumeRoleWithWebIdentity',
  run: (request, services) =>
    federateToken(
      requireParameter(request.parameters, 'WebIdentityToken', 'Token'),
      request,
      services,
    ),
}

/** An action that MinIO has and this server is not set up for. */
function notConfigured(name: string): StsAction {
  return {
    name,
    run: () =>
      Promise.reject(
        new AwsError('STSNotInitialized', `the action ${name} is not configured on this server`),
      ),
  }
}

export const actions: ReadonlyMap<string, StsAction> = new Map(
  [
    assumeRoleWithClientGrants,
    assumeRoleWithWebIdentity,
    assumeRole,
    getCallerIdentity,
    assumeRoleWithLdapIdentity,
    assumeRoleWithCertificate,
    notConfigured('AssumeRoleWithCustomToken'),
  ].map((action) => [action.name, action]),
)
