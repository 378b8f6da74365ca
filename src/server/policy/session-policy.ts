import { AwsError } from '../../protocol/aws-error.ts'
import { parsePolicyDocument, type PolicyDocument } from './policy-document.ts'

/** AWS's and MinIO's bound for the plain text of an inline session policy. */
const maxSessionPolicyBytes = 2048

/**
 * Reads the `Policy` parameter of an STS request.
 *
 * @throws {AwsError} `InvalidParameterValue`: too long, not JSON, wrong Version, an unknown member or action.
 */
export function parseSessionPolicy(text: string): PolicyDocument {
  const bytes = Buffer.byteLength(text)
  if (bytes > maxSessionPolicyBytes) {
    throw new AwsError(
      'InvalidParameterValue',
      `the session policy has ${bytes} bytes; at most ${maxSessionPolicyBytes} are accepted`,
    )
  }
  return parsePolicyDocument(text, 'the session policy')
}
