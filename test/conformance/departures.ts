/**
 * The answers in which this server differs from the recorded MinIO of 2022, on purpose. Each entry names the departure in the server's
 * contract, and the answer of this server.
 */
export interface Mismatch {
  readonly why: string
  readonly status: number
  readonly code?: string
  /** The kind of document, if it is another one than recorded: its shape is then not compared. */
  readonly document?: 'sts-error' | 's3-error' | 'success'
}

const stsInsteadOfS3 =
  'departure 1: an STS request gets an STS error document that names the parameter'

export const departures: Readonly<Record<string, Mismatch>> = {
  'cg/no-version': {
    why: stsInsteadOfS3,
    status: 400,
    code: 'MissingParameter',
    document: 'sts-error',
  },
  'cg/bad-version': {
    why: stsInsteadOfS3,
    status: 400,
    code: 'MissingParameter',
    document: 'sts-error',
  },
  'cg/missing-token': {
    why: stsInsteadOfS3,
    status: 400,
    code: 'MissingParameter',
    document: 'sts-error',
  },
  'cg/empty-token': {
    why: 'departure 1: an empty token is a missing one',
    status: 400,
    code: 'MissingParameter',
  },
  'cg/missing-token-form': {
    why: 'departure 1: an absent token is named as missing',
    status: 400,
    code: 'MissingParameter',
  },
  'wi/missing': {
    why: stsInsteadOfS3,
    status: 400,
    code: 'MissingParameter',
    document: 'sts-error',
  },
  'unknown-action': {
    why: stsInsteadOfS3,
    status: 400,
    code: 'InvalidParameterValue',
    document: 'sts-error',
  },
  'no-action-post': {
    why: stsInsteadOfS3,
    status: 400,
    code: 'MissingParameter',
    document: 'sts-error',
  },
  'custom/not-configured': {
    why: stsInsteadOfS3,
    status: 503,
    code: 'STSNotInitialized',
    document: 'sts-error',
  },
  'ldap/not-configured': {
    why: 'as for certificates: an action that is not configured says so',
    status: 503,
    code: 'STSNotInitialized',
  },
  'assumerole/unsigned': {
    why: 'departure 2: the error says what is missing',
    status: 403,
    code: 'AccessDenied',
  },
  getcalleridentity: {
    why: 'GetCallerIdentity, which every AWS tool tries, is answered',
    status: 200,
    document: 'success',
  },
  'cg/policy-too-long': {
    why: 'white space at the end of a session policy does not count, as at MinIO since 2023',
    status: 200,
    document: 'success',
  },
  's3/session-policy-put-denied': {
    why: 'departure 3: session policies apply also if OPA decides',
    status: 403,
    code: 'AccessDenied',
    document: 's3-error',
  },
  'put-only/s3/session-policy-put-denied': {
    why: 'departure 3: the session policy denies before the bucket is looked up',
    status: 403,
    code: 'AccessDenied',
  },
}
