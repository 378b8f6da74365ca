import { AwsError } from '../../protocol/aws-error.ts'
import { findRoleByArn } from '../identity/role-arn.ts'
import { requireParameter } from './require-parameter.ts'
import { keepKnownPolicies } from './keep-known-policies.ts'
import { selectClaims } from './select-claims.ts'
import type { StsAction } from './sts-action.ts'

/** AssumeRoleWithCustomToken: exchanges a token that the identity plugin accepts for temporary credentials of the plugin's role. */
export const assumeRoleWithCustomToken: StsAction = {
  name: 'AssumeRoleWithCustomToken',
  isIssuing: true,
  async run({ parameters, session, recorder }, services) {
    const { plugin, limits, nowMs, sessions } = services
    if (plugin === undefined)
      throw new AwsError('STSNotInitialized', 'no identity plugin is configured on this server')
    const token = requireParameter(parameters, 'Token')
    const asked = requireParameter(parameters, 'RoleArn')
    const [roleArn = asked, ...others] = plugin.arns
    const arns = new Map([roleArn, ...others].map((arn) => [arn, plugin]))
    if (findRoleByArn(asked, arns) !== plugin)
      throw new AwsError('InvalidParameterValue', 'the parameter RoleArn is not the plugin’s role')
    const policyNames = keepKnownPolicies(plugin.policyNames, `the role ${roleArn}`, services)
    const { user, maxValiditySeconds, claims } = await plugin.client.findUser(token)
    const subject = `custom:${user}`
    const { roleSessionName } = session
    recorder.setCaller({ kind: 'plugin', subject, roleArn, roleSessionName })
    const durationSeconds = Math.min(
      session.durationSeconds ?? maxValiditySeconds,
      maxValiditySeconds,
      limits.maxDurationSeconds,
    )
    const credentials = await sessions.issue({
      subject,
      // The plugin's claims come first, so that they never override the server's own, as in MinIO.
      claims: {
        ...selectClaims(claims, { isForEngine: !services.isPolicyClaimRequired }),
        ...session.revokeClaims,
        sub: subject,
        parent: subject,
        roleArn,
      },
      policyNames,
      // MinIO ignores a session policy in this action. Here it applies, because a client that sends one must not get more rights.
      sessionPolicy: session.sessionPolicy,
      sessionPolicyNames: session.sessionPolicyNames,
      groups: [],
      roleSessionName,
      expiresAtMs: nowMs() + durationSeconds * 1000,
    })
    return { credentials, assumedUser: subject }
  },
}
