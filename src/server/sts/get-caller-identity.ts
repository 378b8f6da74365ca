import { AwsError } from '../../protocol/aws-error.ts'
import { sha256Hex } from '../../protocol/digest.ts'
import { accountId } from '../identity/account.ts'
import { describePrincipal } from '../sessions/describe-principal.ts'
import { nameAssumedRole } from '../identity/assumed-role.ts'
import type { StsAction } from './sts-action.ts'

/** GetCallerIdentity: returns who signed the request. It needs no permission (AWS STS API). MinIO lacks it, but AWS's tools call it. */
export const getCallerIdentity: StsAction = {
  name: 'GetCallerIdentity',
  isIssuing: false,
  async run({ http, body, recorder }, { authenticator }) {
    const bodySha256 = sha256Hex(body)
    const { principal } = await authenticator.authenticate(http, { service: 'sts', bodySha256 })
    if (principal === undefined)
      throw new AwsError(
        'AccessDenied',
        'GetCallerIdentity must be signed (Signature Version 4, service sts)',
      )
    recorder.setCaller(describePrincipal(principal))
    if (principal.kind === 'root') {
      return {
        callerIdentity: {
          account: accountId,
          arn: `arn:aws:iam::${accountId}:root`,
          userId: accountId,
        },
      }
    }
    const { arn, id } = nameAssumedRole(principal)
    return { callerIdentity: { account: accountId, arn, userId: id } }
  },
}
