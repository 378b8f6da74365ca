/** Who signed a request: root, a session, or nobody. Signature first, then nothing else is believed. */
import { AwsError } from '../../protocol/aws-error.ts'
import type { Credentials } from '../../protocol/credentials.ts'
import { readQuery, type SignedMessage } from '../../protocol/sigv4/canonical-request.ts'
import { parsePostSignatureV2, verifyPostSignatureV2 } from '../../protocol/sigv2/post-signature.ts'
import { parsePresignedV2, verifyPresignedV2 } from '../../protocol/sigv2/presigned.ts'
import { parseSignature, type ParsedSignature } from '../../protocol/sigv4/parse-signature.ts'
import { parsePostSignature, verifyPostSignature } from '../../protocol/sigv4/post-signature.ts'
import { equalInConstantTime } from '../../base/constant-time.ts'
import { verifySignature, type VerifiedSignature } from '../../protocol/sigv4/verify-signature.ts'
import type { SessionLookup, SessionStore } from '../sessions/session-store.ts'
import type { Principal } from '../sessions/principal.ts'

export interface AuthenticatorOptions {
  readonly root: Credentials
  readonly sessions: SessionStore
  readonly region: string
  readonly nowMs: () => number
}

export interface AuthenticateOptions {
  readonly service: 's3' | 'sts'
  /** For `sts`: SHA-256 of the body as it came. */
  readonly bodySha256?: string
  /** For `s3`: the bucket, where the host names it. */
  readonly hostBucket?: string
}

export type Authentication =
  | {
      readonly principal: Principal
      readonly parsed: Pick<ParsedSignature, 'payloadHash'>
      /** What chunk signatures start from; a presigned URL of version 2 has none. */
      readonly verified: VerifiedSignature | undefined
    }
  | { readonly principal: undefined }

export interface FormAuthentication {
  readonly principal: Principal
  readonly version: FormSignatureVersion
}

export type FormSignatureVersion = 'AWS' | 'AWS4-HMAC-SHA256'

export interface RequestAuthenticator {
  /**
   * @returns The proven principal, or none for an anonymous request.
   * @throws {AwsError} `InvalidAccessKeyId`, `InvalidTokenId`, `ExpiredToken`, and all that `verifySignature` throws.
   */
  authenticate(message: SignedMessage, options: AuthenticateOptions): Promise<Authentication>
  /**
   * The same for an upload form, which is signed in its fields (lower-case name → value).
   *
   * @throws {AwsError} the same, and what `sigv4/post-signature.ts` and `sigv2/post-signature.ts` throw.
   */
  authenticateForm(fields: ReadonlyMap<string, string>): Promise<FormAuthentication | undefined>
}

/** Makes the one authenticator that STS and S3 share. */
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
  const prove = async <Verified>(claim: Claim<Verified>): Promise<Proof<Verified>> => {
    const { parsed, verify } = claim
    if (equalInConstantTime(parsed.accessKeyId, options.root.accessKeyId)) {
      const verified = verify(options.root.secretAccessKey)
      // A token beside root's key is a mix-up at best (docs/wire.md §10.1, CVE-2021-41137).
      if (parsed.sessionToken !== undefined)
        throw invalidToken('root credentials take no session token')
      return { principal: rootPrincipal, verified }
    }
    const session = await options.sessions.lookUp(parsed.accessKeyId, parsed.sessionToken)
    if (session.outcome !== 'found' && 'secretAccessKey' in session)
      requireIssued(() => verify(session.secretAccessKey))
    if (session.outcome !== 'found') throw refuse(session.outcome)
    return { principal: session.principal, verified: verify(session.secretAccessKey) }
  }
  return {
    async authenticate(message, request) {
      const claim = readClaim(message, request, options)
      if (claim === undefined) return { principal: undefined }
      return { parsed: claim.parsed, ...(await prove(claim)) }
    },
    async authenticateForm(fields) {
      const claim = readFormClaim(fields, options)
      if (claim === undefined) return undefined
      const { principal } = await prove(claim)
      return { principal, version: claim.version }
    },
  }
}

interface Claim<Verified> {
  readonly parsed: Pick<ParsedSignature, 'accessKeyId' | 'sessionToken'>
  readonly verify: (secretAccessKey: string) => Verified
}

interface Proof<Verified> {
  readonly principal: Principal
  readonly verified: Verified
}

type RequestClaim = Claim<VerifiedSignature | undefined> & {
  readonly parsed: Pick<ParsedSignature, 'payloadHash'>
}

/** The signature that a request bears, of whichever version. */
function readClaim(
  message: SignedMessage,
  { service, bodySha256, hostBucket = '' }: AuthenticateOptions,
  { region, nowMs }: AuthenticatorOptions,
): RequestClaim | undefined {
  const parsed = parseSignature(message)
  if (parsed !== undefined) {
    const verifyOptions = { region, service, nowMs: nowMs(), bodySha256 }
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

/** The same of a form. */
function readFormClaim(
  fields: ReadonlyMap<string, string>,
  { region }: AuthenticatorOptions,
): (Claim<void> & { readonly version: FormSignatureVersion }) | undefined {
  const v2 = parsePostSignatureV2(fields)
  if (v2 !== undefined)
    return { parsed: v2, verify: (secret) => verifyPostSignatureV2(v2, secret), version: 'AWS' }
  const parsed = parsePostSignature(fields)
  if (parsed === undefined) return undefined
  const verify = (secret: string): void => verifyPostSignature(parsed, secret, { region })
  return { parsed, verify, version: 'AWS4-HMAC-SHA256' }
}

/** Whoever cannot sign with the key's secret was never issued it: for them it does not exist. */
function requireIssued(verify: () => void): void {
  try {
    verify()
  } catch (error) {
    const isUnproved = error instanceof AwsError && error.code === 'SignatureDoesNotMatch'
    throw isUnproved ? refuse('unknown') : error
  }
}

function refuse(outcome: Exclude<SessionLookup['outcome'], 'found'>): AwsError {
  switch (outcome) {
    case 'unknown':
      return new AwsError('InvalidAccessKeyId', 'the access key id is not known here')
    case 'revoked':
      return new AwsError('InvalidAccessKeyId', 'the credentials were revoked')
    case 'disabled':
      return new AwsError('InvalidAccessKeyId', 'the access key or its user is disabled')
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
