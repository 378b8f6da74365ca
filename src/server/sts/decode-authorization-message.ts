import { AwsError } from '../../protocol/aws-error.ts'
import { buildConditions } from '../policy/request-conditions.ts'
import { authenticateCaller } from './authenticate-caller.ts'
import { maxEncodedChars } from './authorization-messages.ts'
import { invalidMember } from './member-list.ts'
import { requirePermission } from './require-permission.ts'
import type { StsAction } from './sts-action.ts'

/** DecodeAuthorizationMessage: returns what a refusal of this server's STS keeps from those who may not know by what rule they were refused. */
export const decodeAuthorizationMessage: StsAction = {
  name: 'DecodeAuthorizationMessage',
  isIssuing: false,
  async run(request, services) {
    const principal = await authenticateCaller('DecodeAuthorizationMessage', request, services)
    const encoded = request.parameters.get('EncodedMessage') ?? ''
    if (encoded === '') throw invalidMember('encodedMessage', 'Member must not be null')
    if (encoded.length > maxEncodedChars)
      throw invalidMember(
        'encodedMessage',
        `Member must have length less than or equal to ${maxEncodedChars}`,
      )
    const conditions = buildConditions(request.http, { principal })
    await requirePermission(
      { principal, action: 'sts:DecodeAuthorizationMessage', conditions },
      request,
      services,
    )
    const decodedMessage = services.authorizationMessages.open(encoded)
    if (decodedMessage === undefined)
      throw new AwsError(
        'InvalidAuthorizationMessageException',
        'The specified message is invalid: it is not one of this server’s, or was changed',
      )
    return { decodedMessage }
  },
}
