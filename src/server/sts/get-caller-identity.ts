import { accountId } from '../identity/account.ts'
import { nameAssumedRole } from '../identity/assumed-role.ts'
import { authenticateCaller } from './authenticate-caller.ts'
import { nameCaller } from './deny.ts'
import type { StsAction } from './sts-action.ts'

/** GetCallerIdentity: returns who signed the request. It needs no permission (AWS STS API). MinIO lacks it, but AWS's tools call it. */
export const getCallerIdentity: StsAction = {
  name: 'GetCallerIdentity',
  isIssuing: false,
  async run(request, services) {
    const principal = await authenticateCaller('GetCallerIdentity', request, services)
    if (principal.kind !== 'session') {
      const userId = principal.kind === 'root' ? accountId : principal.accessKey
      return { callerIdentity: { account: accountId, arn: nameCaller(principal), userId } }
    }
    const { arn, id } = nameAssumedRole(principal)
    return { callerIdentity: { account: accountId, arn, userId: id } }
  },
}
