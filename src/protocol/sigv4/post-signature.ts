/** The signature of a browser's upload form, which covers its policy («Browser-Based Uploads Using POST (SigV4)», Amazon S3). */
import { equalInConstantTime } from '../../base/constant-time.ts'
import { AwsError } from '../aws-error.ts'
import { hmac } from '../digest.ts'
import { algorithm, type CredentialScope } from './canonical-request.ts'
import { checkAmzDate, parseCredential, parseSignatureText } from './parse-signature.ts'
import { deriveSigningKey } from './signing-key.ts'
import { checkScope } from './verify-signature.ts'

export interface PostSignature {
  readonly accessKeyId: string
  readonly scope: CredentialScope
  /** `yyyymmddThhmmssZ`. It limits nothing: the policy has the expiry of the form. */
  readonly amzDate: string
  /** 64 hex digits. */
  readonly signature: string
  readonly sessionToken: string | undefined
  /** The Base64 text as received: this text is signed. */
  readonly policy: string
}

/** S3 names a wrong field of a form by this code, and says what is wrong without the beginning that it has elsewhere. */
const malformed = 'InvalidArgument'

/**
 * Parses the signature of a form; nothing is verified yet.
 *
 * @param fields Lower-case name → value.
 * @returns undefined for an anonymous form, without policy and signature.
 * @throws {AwsError} `InvalidArgument`, naming the missing or malformed field.
 */
export function parsePostSignature(fields: ReadonlyMap<string, string>): PostSignature | undefined {
  if (!fields.has('policy') && !fields.has('x-amz-signature')) return undefined
  const required = (name: string): string => {
    const value = fields.get(name)
    if (value !== undefined && value !== '') return value
    throw missingField(name)
  }
  if (required('x-amz-algorithm') !== algorithm) {
    const sentence = `X-Amz-Algorithm only supports "${algorithm}"`
    throw new AwsError('InvalidArgument', `x-amz-algorithm must be ${algorithm}`, { sentence })
  }
  return {
    ...parseCredential(required('x-amz-credential'), malformed),
    amzDate: checkAmzDate(required('x-amz-date'), malformed),
    signature: parseSignatureText(required('x-amz-signature')),
    sessionToken: fields.get('x-amz-security-token'),
    policy: requirePolicy(fields),
  }
}

/** An empty policy is refused when it is read. */
function requirePolicy(fields: ReadonlyMap<string, string>): string {
  const policy = fields.get('policy')
  if (policy === undefined) throw missingField('policy')
  return policy
}

/** @throws {AwsError} `SignatureDoesNotMatch`; `InvalidArgument` for another region or date, naming the server's. */
export function verifyPostSignature(
  parsed: PostSignature,
  secretAccessKey: string,
  { region }: { readonly region: string },
): void {
  checkScope({ ...parsed, form: 'form' }, { region, service: 's3' })
  const key = deriveSigningKey(secretAccessKey, parsed.scope)
  const signature = hmac('sha256', key, parsed.policy).toString('hex')
  if (equalInConstantTime(signature, parsed.signature)) return
  throw new AwsError(
    'SignatureDoesNotMatch',
    'the signature we calculated over the policy does not match the one in the form; check the secret key and the base64 of the policy',
  )
}

/** Returns the error for a form without a field, or with it after its file. */
export function missingField(name: string): AwsError {
  const sentence = `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`
  const details = { ArgumentName: name, ArgumentValue: '' }
  return new AwsError('InvalidArgument', `the form must have the field ${name} before its file`, {
    sentence,
    details,
  })
}
