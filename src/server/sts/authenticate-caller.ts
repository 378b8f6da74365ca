import { AwsError } from '../../protocol/aws-error.ts'
import { sha256Hex } from '../../protocol/digest.ts'
import { describePrincipal } from '../sessions/describe-principal.ts'
import type { Principal } from '../sessions/principal.ts'
import type { StsRequest, StsServices } from './sts-action.ts'

/**
 * Returns who signed a request, and records it.
 *
 * @param action The action, for the message.
 * @throws {AwsError} `AccessDenied` for a request that is not signed; the errors of `RequestAuthenticator.authenticate`.
 */
export async function authenticateCaller(
  action: string,
  { http, body, recorder }: StsRequest,
  { authenticator }: Pick<StsServices, 'authenticator'>,
): Promise<Principal> {
  const bodySha256 = sha256Hex(body)
  const { principal } = await authenticator.authenticate(http, { service: 'sts', bodySha256 })
  if (principal === undefined)
    throw new AwsError(
      'AccessDenied',
      `${action} must be signed (Signature Version 4, service sts)`,
    )
  recorder.setCaller(describePrincipal(principal))
  return principal
}
