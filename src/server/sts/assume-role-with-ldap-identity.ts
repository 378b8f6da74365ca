import { AwsError } from '../../protocol/aws-error.ts'
import { normalizeDn } from '../identity/ldap/distinguished-name.ts'
import type { LdapUser } from '../identity/ldap/ldap-directory.ts'
import { requireParameter } from './require-parameter.ts'
import { keepKnownPolicies } from './keep-known-policies.ts'
import type { LdapLogins, StsAction, StsServices } from './sts-action.ts'

/**
 * AssumeRoleWithLDAPIdentity: exchanges an LDAP user name and password for temporary credentials. Their policies are attached to the
 * distinguished names of the user and of the user's groups.
 */
export const assumeRoleWithLdapIdentity: StsAction = {
  name: 'AssumeRoleWithLDAPIdentity',
  isIssuing: true,
  async run({ http, parameters, session, recorder }, services) {
    const { ldap, limits, nowMs } = services
    if (ldap === undefined)
      throw new AwsError('STSNotInitialized', 'no LDAP server is configured on this server')
    const username = requireParameter(parameters, 'LDAPUsername')
    const password = requireParameter(parameters, 'LDAPPassword')
    const durationSeconds = session.durationSeconds ?? limits.defaultDurationSeconds
    const user = await ldap.directory.logIn({
      username,
      password,
      address: http.remoteAddress,
      onHold: () => http.slot?.release(),
    })
    const { roleSessionName } = session
    recorder.setCaller({ kind: 'ldap', subject: user.dn, name: user.username, roleSessionName })
    const credentials = await services.sessions.issue({
      subject: user.dn,
      // The directory's own spelling: policies are case-sensitive, and users may type a name in any case.
      claims: { ldapUser: user.dn, ldapUsername: user.username, ...session.revokeClaims },
      policyNames: findPolicies(user, ldap, services),
      sessionPolicy: session.sessionPolicy,
      sessionPolicyNames: session.sessionPolicyNames,
      groups: user.groups,
      roleSessionName,
      expiresAtMs: nowMs() + durationSeconds * 1000,
    })
    return { credentials }
  },
}

/** Returns the policies of the user and its groups. @throws {AwsError} `InvalidParameterValue` when none has one. */
function findPolicies(
  { dn, groups }: LdapUser,
  { policies }: LdapLogins,
  services: StsServices,
): readonly string[] {
  const names = [dn, ...groups].flatMap((name) => policies.get(normalizeDn(name) ?? '') ?? [])
  if (services.isPolicyClaimRequired && names.length === 0) {
    throw new AwsError(
      'InvalidParameterValue',
      `no policy is attached to ${dn} or to one of its ${groups.length} groups`,
    )
  }
  return keepKnownPolicies([...new Set(names)], 'the LDAP mapping', services)
}
