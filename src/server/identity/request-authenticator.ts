/** Authenticates requests by their signature: the principal is root, a session, or nobody for an anonymous request. */
import { AwsError } from '../../protocol/aws-error.ts'
import type { Credentials } from '../../protocol/credentials.ts'
import { readQuery, type SignedMessage } from '../../protocol/sigv4/canonical-request.ts'
import { parsePostSignatureV2, verifyPostSignatureV2 } from '../../protocol/sigv2/post-signature.ts'
import {
  parseHeaderSignatureV2,
  verifyHeaderSignatureV2,
} from '../../protocol/sigv2/header-signature.ts'
import { parsePresignedV2, verifyPresignedV2 } from '../../protocol/sigv2/presigned.ts'
import { parseSignature, type ParsedSignature } from '../../protocol/sigv4/parse-signature.ts'
import { requirePayloadHash } from '../../protocol/sigv4/payload-hash.ts'
import { parsePostSignature, verifyPostSignature } from '../../protocol/sigv4/post-signature.ts'
import { equalInConstantTime } from '../../base/constant-time.ts'
import { verifySignature, type VerifiedSignature } from '../../protocol/sigv4/verify-signature.ts'
import type { SessionLookup, SessionStore } from '../sessions/session-store.ts'
import type { Principal } from '../sessions/principal.ts'

/** The credentials and settings that signatures are verified with. */
export interface AuthenticatorOptions {
  readonly root: Credentials
  readonly sessions: SessionStore
  /** The region that requests must be signed for; empty for any. */
  readonly region: string
  /** True to accept Signature Version 2 in the Authorization header, whose body is not signed and whose hash is SHA-1. */
  readonly isSignatureV2Allowed?: boolean | undefined
  readonly nowMs: () => number
}

export interface AuthenticateOptions {
  /** The service of the credential scope. */
  readonly service: 's3' | 'sts'
  /** The SHA-256 of the body as received. Only for `sts`. */
  readonly bodySha256?: string
  /** The bucket in the Host header (virtual-hosted style). Only for `s3`. */
  readonly hostBucket?: string
  /** True for the requests that take any region, though the server has one. */
  readonly isAnyRegion?: boolean
}

/** The result of authenticating a request; `principal` is undefined for an anonymous one. */
export type Authentication =
  | {
      readonly principal: Principal
      readonly parsed: Pick<ParsedSignature, 'payloadHash'>
      /** The seed of the chunk signatures; undefined for a V2 presigned URL, which has no chunks. */
      readonly verified: VerifiedSignature | undefined
    }
  | { readonly principal: undefined }

/** The result of authenticating a signed upload form. */
export interface FormAuthentication {
  readonly principal: Principal
  readonly version: FormSignatureVersion
}

/** The signature version of an upload form, by MinIO's name in policy conditions. */
export type FormSignatureVersion = 'AWS' | 'AWS4-HMAC-SHA256'

export interface RequestAuthenticator {
  /**
   * Verifies a request's signature and returns its principal.
   *
   * @throws {AwsError} `InvalidAccessKeyId`, `InvalidTokenId`, `ExpiredToken`, and the errors of `verifySignature`.
   */
  authenticate(message: SignedMessage, options: AuthenticateOptions): Promise<Authentication>
  /**
   * Verifies the signature in the fields of an upload form (AWS, "Browser-based uploads using POST"). Returns undefined for an unsigned form.
   *
   * @param fields The form's values, by lower-case field name.
   * @throws {AwsError} The errors of `authenticate`, `sigv4/post-signature.ts` and `sigv2/post-signature.ts`.
   */
  authenticateForm(fields: ReadonlyMap<string, string>): Promise<FormAuthentication | undefined>
}

/** Returns the authenticator that STS and S3 share. */
export function createRequestAuthenticator(options: AuthenticatorOptions): RequestAuthenticator {
  const rootPrincipal: Principal = {
    kind: 'root',
    accessKey: options.root.accessKeyId,
    subject: options.root.accessKeyId,
    claims: {},
    policyNames: [],
    sessionPolicy: undefined,
    groups: [],
    expiresAtMs: undefined,
    issuedAtMs: undefined,
  }
  const verifyPrincipal = async <Seed>(signature: Signature<Seed>): Promise<Verified<Seed>> => {
    const { parsed, verify } = signature
    if (equalInConstantTime(parsed.accessKeyId, options.root.accessKeyId)) {
      const verified = verify(options.root.secretAccessKey)
      // Root credentials have no session token, so a token with root's key is at least a mistake (docs/wire.md §10.1, CVE-2021-41137).
      if (parsed.sessionToken !== undefined)
        throw invalidToken('root credentials take no session token')
      return { principal: rootPrincipal, verified }
    }
    const session = await options.sessions.lookUp(parsed.accessKeyId, parsed.sessionToken)
    if (session.outcome !== 'found' && 'secretAccessKey' in session)
      verifyOrHideKey(() => verify(session.secretAccessKey), parsed.accessKeyId)
    if (session.outcome !== 'found') throw toSessionError(session.outcome, parsed.accessKeyId)
    return { principal: session.principal, verified: verify(session.secretAccessKey) }
  }
  return {
    async authenticate(message, request) {
      const signature = readSignature(message, request, options)
      if (signature === undefined) return { principal: undefined }
      const { principal, verified } = await verifyPrincipal(signature)
      return { principal, parsed: signature.parsed, verified }
    },
    async authenticateForm(fields) {
      const signature = readFormSignature(fields, options)
      if (signature === undefined) return undefined
      const { principal } = await verifyPrincipal(signature)
      return { principal, version: signature.version }
    },
  }
}

/** A signature that is not verified yet. `verify` throws for a wrong one and returns the seed of the chunk signatures, if there is one. */
interface Signature<Seed> {
  readonly parsed: Pick<ParsedSignature, 'accessKeyId' | 'sessionToken'>
  readonly verify: (secretAccessKey: string) => Seed
}

interface Verified<Seed> {
  readonly principal: Principal
  readonly verified: Seed
}

type RequestSignature = Signature<VerifiedSignature | undefined> & {
  readonly parsed: Pick<ParsedSignature, 'payloadHash'>
}

/** Returns the signature of a request, V4 or V2; undefined for an anonymous request. */
function readSignature(
  message: SignedMessage,
  { service, bodySha256, hostBucket = '', isAnyRegion = false }: AuthenticateOptions,
  { region, nowMs, isSignatureV2Allowed = false }: AuthenticatorOptions,
): RequestSignature | undefined {
  const inHeader = service === 's3' ? parseHeaderSignatureV2(message) : undefined
  if (inHeader !== undefined) {
    if (!isSignatureV2Allowed) throw signatureV2NotAllowed()
    requirePayloadHash(inHeader.payloadHash)
    return {
      parsed: inHeader,
      verify(secret) {
        verifyHeaderSignatureV2(inHeader, message, secret, { hostBucket, nowMs: nowMs() })
        return undefined
      },
    }
  }
  const parsed = parseSignature(message)
  if (parsed !== undefined) {
    if (service === 's3') requirePayloadHash(parsed.payloadHash)
    const expected = isAnyRegion ? '' : region
    const verifyOptions = {
      region: expected,
      service,
      nowMs: nowMs(),
      bodySha256,
      isBucketInHost: hostBucket !== '',
    }
    return {
      parsed,
      verify: (secret) => verifySignature(parsed, message, secret, verifyOptions),
    }
  }
  const presigned = service === 's3' ? parsePresignedV2(readQuery(message)) : undefined
  if (presigned === undefined) return undefined
  return {
    parsed: { ...presigned, payloadHash: 'UNSIGNED-PAYLOAD' },
    verify(secret) {
      verifyPresignedV2(presigned, message, secret, { hostBucket, nowMs: nowMs() })
      return undefined
    },
  }
}

/** S3's sentence is that of the regions which do not take this version. */
function signatureV2NotAllowed(): AwsError {
  const reason =
    'Signature Version 2 is not accepted in the Authorization header; sign with AWS4-HMAC-SHA256, or start the server with --allow-signature-v2'
  const sentence =
    'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.'
  return new AwsError('InvalidRequest', reason, { sentence })
}

/** Returns the signature of an upload form, V2 or V4; undefined for an unsigned form. */
function readFormSignature(
  fields: ReadonlyMap<string, string>,
  { region }: AuthenticatorOptions,
): (Signature<void> & { readonly version: FormSignatureVersion }) | undefined {
  const v2 = parsePostSignatureV2(fields)
  if (v2 !== undefined)
    return { parsed: v2, verify: (secret) => verifyPostSignatureV2(v2, secret), version: 'AWS' }
  const parsed = parsePostSignature(fields)
  if (parsed === undefined) return undefined
  const verify = (secret: string): void => verifyPostSignature(parsed, secret, { region })
  return { parsed, verify, version: 'AWS4-HMAC-SHA256' }
}

/** Without a valid signature, the answer is that of an unknown key, so that nobody can find out which keys exist. */
function verifyOrHideKey(verify: () => void, accessKeyId: string): void {
  try {
    verify()
  } catch (error) {
    const isWrong = error instanceof AwsError && error.code === 'SignatureDoesNotMatch'
    throw isWrong ? toSessionError('unknown', accessKeyId) : error
  }
}

function toSessionError(
  outcome: Exclude<SessionLookup['outcome'], 'found'>,
  accessKeyId: string,
): AwsError {
  // As S3 does, so that a person with several keys sees which one was sent.
  const details = { AWSAccessKeyId: accessKeyId }
  switch (outcome) {
    case 'unknown':
      return new AwsError('InvalidAccessKeyId', 'the access key id is not known here', { details })
    case 'revoked':
      return new AwsError('InvalidAccessKeyId', 'the credentials were revoked', { details })
    case 'disabled':
      return new AwsError('InvalidAccessKeyId', 'the access key or its user is disabled', {
        details,
      })
    case 'expired':
      return new AwsError('ExpiredToken', 'the credentials have expired; get new ones')
    case 'missing-token':
      return invalidToken('temporary credentials need their session token (x-amz-security-token)')
    case 'wrong-token':
      return invalidToken('the session token is not the one issued with this access key')
  }
}

function invalidToken(message: string): AwsError {
  return new AwsError('InvalidTokenId', message)
}
