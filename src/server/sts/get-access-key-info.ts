import { accountId } from '../identity/account.ts'
import { authenticateCaller } from './authenticate-caller.ts'
import { buildConditions } from '../policy/request-conditions.ts'
import { invalidMember } from './member-list.ts'
import { requirePermission } from './require-permission.ts'
import { readText } from './role-parameters.ts'
import type { StsAction } from './sts-action.ts'

/**
 * GetAccessKeyInfo: returns the account of an access key. There is one account here. As at AWS the answer does not say whether the key exists or is active.
 */
export const getAccessKeyInfo: StsAction = {
  name: 'GetAccessKeyInfo',
  isIssuing: false,
  async run(request, services) {
    const principal = await authenticateCaller('GetAccessKeyInfo', request, services)
    const limits = { pattern: '[\\w]*', min: 16, max: 128 }
    if (readText(request.parameters, 'AccessKeyId', limits) === undefined)
      throw invalidMember('accessKeyId', 'Member must not be null')
    const conditions = buildConditions(request.http, { principal })
    await requirePermission(
      { principal, action: 'sts:GetAccessKeyInfo', conditions },
      request,
      services,
    )
    return { account: accountId }
  },
}
