/**
 * Upload forms signed with Signature Version 2: the default of boto3's `generate_presigned_post` (AWS, «Browser-Based Uploads
 * Using POST (AWS Signature Version 2)»).
 */
import { equalInConstantTime } from '../../base/constant-time.ts'
import { AwsError } from '../aws-error.ts'
import { hmac } from '../digest.ts'
import { missingField } from '../sigv4/post-signature.ts'

export interface PostSignatureV2 {
  readonly accessKeyId: string
  /** Base64 of HMAC-SHA1. */
  readonly signature: string
  readonly sessionToken: string | undefined
  /** The Base64 text as received: this text is signed. */
  readonly policy: string
}

/**
 * @param fields Lower-case name → value.
 * @returns The claimed signature, not yet verified; undefined for a form without a signature of this version.
 * @throws {AwsError} `InvalidArgument`, naming the missing field; `InvalidRequest` for a form signed by both versions, since either key
 *   could decide.
 */
export function parsePostSignatureV2(
  fields: ReadonlyMap<string, string>,
): PostSignatureV2 | undefined {
  const accessKeyId = fields.get('awsaccesskeyid')
  if (accessKeyId === undefined) return undefined
  if (fields.has('x-amz-signature') || fields.has('x-amz-credential'))
    throw new AwsError('InvalidRequest', 'the form is signed by versions 2 and 4; use one')
  const signature = fields.get('signature') ?? ''
  const policy = fields.get('policy') ?? ''
  if (signature === '') throw missingField('signature')
  if (policy === '') throw missingField('policy')
  return { accessKeyId, signature, policy, sessionToken: fields.get('x-amz-security-token') }
}

/** @throws {AwsError} `SignatureDoesNotMatch`. */
export function verifyPostSignatureV2(
  { policy, signature }: PostSignatureV2,
  secretAccessKey: string,
): void {
  const expected = hmac('sha1', secretAccessKey, policy).toString('base64')
  if (equalInConstantTime(expected, signature)) return
  throw new AwsError(
    'SignatureDoesNotMatch',
    'the signature we calculated over the policy does not match the one in the form; check the secret key and the base64 of the policy',
  )
}
