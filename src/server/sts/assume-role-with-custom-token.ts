import { AwsError } from '../../protocol/aws-error.ts'
import {
  readDurationSeconds,
  readRevokeType,
  readSessionPolicy,
  requireParameter,
} from './parameters.ts'
import { keepKnownPolicies } from './policy-names.ts'
import { selectClaims } from './select-claims.ts'
import type { StsAction } from './sts-action.ts'

/** AssumeRoleWithCustomToken: whatever the operator's identity plugin knows to read in, temporary credentials of the plugin's role out. */
export const assumeRoleWithCustomToken: StsAction = {
  name: 'AssumeRoleWithCustomToken',
  async run({ http, parameters }, services) {
    const { plugin, limits, nowMs, sessions } = services
    if (plugin === undefined)
      throw new AwsError('STSNotInitialized', 'no identity plugin is configured on this server')
    const token = requireParameter(parameters, 'Token')
    const asked = readDurationSeconds(parameters, limits)
    const roleArn = requireParameter(parameters, 'RoleArn')
    if (!plugin.arns.includes(roleArn))
      throw new AwsError('InvalidParameterValue', 'the parameter RoleArn is not the plugin’s role')
    const policyNames = keepKnownPolicies(plugin.policyNames, `the role ${roleArn}`, services)
    // MinIO has no session policy here; a client that sends one must not get more than it asked for.
    const sessionPolicy = readSessionPolicy(parameters, services)
    const { user, maxValiditySeconds, claims } = await plugin.client.findUser(token)
    const subject = `custom:${user}`
    http.log['principal'] = subject
    const durationSeconds = Math.min(
      asked ?? maxValiditySeconds,
      maxValiditySeconds,
      limits.maxDurationSeconds,
    )
    const credentials = await sessions.issue({
      subject,
      // What the plugin says of the user never stands in for what the server says (MinIO: «not overriding»).
      claims: {
        ...selectClaims(claims),
        ...readRevokeType(parameters),
        sub: subject,
        parent: subject,
        roleArn,
      },
      policyNames,
      sessionPolicy,
      groups: [],
      expiresAtMs: nowMs() + durationSeconds * 1000,
    })
    return { credentials, assumedUser: subject }
  },
}
