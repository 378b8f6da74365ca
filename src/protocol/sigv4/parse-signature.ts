/** Parses the signature of a request, in its headers or its query, before the key is looked up. */
import { formatAmzDate } from '../dates.ts'
import { AwsError } from '../aws-error.ts'
import type { Query } from '../query.ts'
import {
  algorithm,
  emptySha256,
  readQuery,
  type CredentialScope,
  type SignedMessage,
} from './canonical-request.ts'

export interface ParsedSignature {
  readonly form: 'header' | 'query'
  readonly accessKeyId: string
  readonly scope: CredentialScope
  /** The date `yyyymmddThhmmssZ` as signed. */
  readonly amzDate: string
  readonly signedHeaders: readonly string[]
  /** 64 hex digits. */
  readonly signature: string
  /** Lifetime in seconds, only for presigned requests: 0 to 604,800. */
  readonly expiresSeconds: number | undefined
  /** The declared payload hash; without one, `UNSIGNED-PAYLOAD` for a presigned request and the empty body's hash otherwise. */
  readonly payloadHash: string
  readonly sessionToken: string | undefined
}

const maxExpiresSeconds = 604_800
const amzDateForm = /^\d{8}T\d{6}Z$/

const missingParameters =
  'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.'

/**
 * Parses the signature of a request.
 *
 * @returns The claimed signature, not yet verified; undefined for an anonymous request.
 * @throws {AwsError} A signature that cannot be parsed, or two signatures: the ambiguity of which key decides is the vulnerability
 *   by which requests to MinIO 2018 got root's rights (docs/wire.md §10.1), so two are refused as `InvalidRequest`.
 */
export function parseSignature(message: SignedMessage): ParsedSignature | undefined {
  const authorization = message.headers.get('authorization')
  const query = readQuery(message)
  const isPresigned =
    query.has('X-Amz-Credential') || query.has('X-Amz-Signature') || query.has('X-Amz-Algorithm')
  if (authorization !== undefined && isPresigned) {
    throw new AwsError(
      'InvalidRequest',
      'the request is signed both in the Authorization header and in the query; use one',
    )
  }
  if (authorization !== undefined) return parseHeader(authorization, message, query)
  return isPresigned ? parsePresigned(query, message) : undefined
}

function parseHeader(authorization: string, message: SignedMessage, query: Query): ParsedSignature {
  const { Credential, SignedHeaders, Signature } = parseFields(authorization)
  const { accessKeyId, scope } = parseCredential(Credential, 'AuthorizationHeaderMalformed')
  return {
    form: 'header',
    accessKeyId,
    scope,
    amzDate: readHeaderDate(message),
    signedHeaders: parseSignedHeaders(SignedHeaders, 'AuthorizationHeaderMalformed'),
    signature: parseSignatureText(Signature),
    expiresSeconds: undefined,
    payloadHash: message.headers.get('x-amz-content-sha256') ?? emptySha256,
    sessionToken: message.headers.get('x-amz-security-token') ?? query.get('X-Amz-Security-Token'),
  }
}

interface HeaderFields {
  readonly Credential: string
  readonly SignedHeaders: string
  readonly Signature: string
}

/**
 * Returns the three fields of the Authorization header, in any order.
 *
 * @throws {AwsError} With S3's code and sentence for each form. A value is quoted only where it cannot be a secret.
 */
function parseFields(authorization: string): HeaderFields {
  if (!authorization.startsWith(`${algorithm} `)) throw toSchemeError(authorization)
  const fields = new Map<string, string>()
  for (const field of authorization.slice(algorithm.length + 1).split(',')) {
    const text = field.trim()
    const at = text.indexOf('=')
    const name = text.slice(0, Math.max(at, 0))
    if (at < 1 || fields.has(name))
      throw malformedHeader('the authorization component is malformed.')
    fields.set(name, text.slice(at + 1))
  }
  const required = (name: keyof HeaderFields): string => {
    const value = fields.get(name)
    if (value === undefined) throw malformedHeader(`missing ${name}.`)
    return value
  }
  if (fields.size !== 3) {
    throw malformedHeader(
      'the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    )
  }
  return {
    Credential: required('Credential'),
    SignedHeaders: required('SignedHeaders'),
    Signature: required('Signature'),
  }
}

function toSchemeError(authorization: string): AwsError {
  const reason = `the Authorization scheme is not supported; use ${algorithm}`
  const details = { ArgumentName: 'Authorization' }
  // Signature Version 2 in the header: S3 knows it, and newer regions do not take it.
  if (/^AWS .+:/.test(authorization)) {
    const sentence = `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`
    return new AwsError('InvalidRequest', reason, { sentence })
  }
  const sentence = authorization.trim().includes(' ')
    ? 'Unsupported Authorization Type'
    : "Authorization header is invalid -- one and only one ' ' (space) required."
  return new AwsError('InvalidArgument', reason, { sentence, details })
}

function malformedHeader(text: string): AwsError {
  const code = 'AuthorizationHeaderMalformed'
  return new AwsError(code, text, { sentence: describeMalformed(code, text) })
}

/** Returns S3's sentence for a part of the signature that is wrong. */
export function describeMalformed(code: MalformedCode, text: string): string {
  if (code === 'InvalidArgument') return text
  const isHeader = code === 'AuthorizationHeaderMalformed'
  const start = isHeader
    ? 'The authorization header is malformed'
    : 'Error parsing the X-Amz-Credential parameter'
  return `${start}; ${text}`
}

function parsePresigned(query: Query, message: SignedMessage): ParsedSignature {
  const code = 'AuthorizationQueryParametersError'
  const required = (name: string): string => {
    const value = query.get(name)
    if (value === undefined || value === '')
      throw new AwsError(code, `the query has no ${name}`, { sentence: missingParameters })
    return value
  }
  if (required('X-Amz-Algorithm') !== algorithm)
    throw new AwsError(code, `X-Amz-Algorithm must be ${algorithm}`, {
      sentence: `X-Amz-Algorithm only supports "${algorithm}"`,
    })
  const { accessKeyId, scope } = parseCredential(required('X-Amz-Credential'), code)
  const expiresText = required('X-Amz-Expires')
  const expiresSeconds = Number(expiresText)
  if (!/^\d{1,7}$/.test(expiresText) || expiresSeconds > maxExpiresSeconds) {
    const reason = `X-Amz-Expires must be a number of seconds from 0 to ${maxExpiresSeconds}`
    throw new AwsError(code, reason, { sentence: describeExpires(expiresText) })
  }
  return {
    form: 'query',
    accessKeyId,
    scope,
    amzDate: checkAmzDate(required('X-Amz-Date'), code),
    signedHeaders: parseSignedHeaders(required('X-Amz-SignedHeaders'), code),
    signature: parseSignatureText(required('X-Amz-Signature')),
    expiresSeconds,
    payloadHash:
      query.get('X-Amz-Content-Sha256') ??
      message.headers.get('x-amz-content-sha256') ??
      'UNSIGNED-PAYLOAD',
    sessionToken: query.get('X-Amz-Security-Token') ?? message.headers.get('x-amz-security-token'),
  }
}

/** Returns S3's sentence for a wrong lifetime. */
function describeExpires(text: string): string {
  if (!/^-?\d+$/.test(text)) return 'X-Amz-Expires should be a number'
  if (text.startsWith('-')) return 'X-Amz-Expires must be non-negative'
  return `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${maxExpiresSeconds} seconds`
}

/** The code of a signature that cannot be read: in headers, in a query, in a form. */
export type MalformedCode =
  | 'AuthorizationHeaderMalformed'
  | 'AuthorizationQueryParametersError'
  | 'InvalidArgument'

/**
 * Parses a credential. The region may be any printable text, and empty: MinIO's SDKs sign AssumeRole so.
 *
 * @throws {AwsError} `code`, unless the text is `KEY/yyyymmdd/REGION/SERVICE/aws4_request`.
 */
export function parseCredential(
  text: string,
  code: MalformedCode,
): { accessKeyId: string; scope: CredentialScope } {
  // The access key itself may contain a slash, so the scope is counted from the end.
  const match = /^(.{1,256})\/(\d{8})\/([!-.0-~]{0,64})\/([^/]+)\/aws4_request$/.exec(text)
  const [, accessKeyId, date, region, service] = match ?? []
  if (
    accessKeyId === undefined ||
    date === undefined ||
    region === undefined ||
    service === undefined
  ) {
    throw new AwsError(code, 'the credential must read KEY/yyyymmdd/REGION/SERVICE/aws4_request', {
      sentence: describeMalformed(code, describeCredential(text)),
    })
  }
  return { accessKeyId, scope: { date, region, service } }
}

/** Returns what is wrong with a credential, in S3's words. */
function describeCredential(text: string): string {
  const [terminal = '', , , date = '', ...key] = text.split('/').toReversed()
  if (key.length === 0 || key.join('') === '')
    return 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
  if (!/^\d{8}$/.test(date))
    return `incorrect date format "${date.slice(0, 100)}". This date in the credential must be in the format "yyyyMMdd".`
  if (terminal !== 'aws4_request')
    return `incorrect terminal "${terminal.slice(0, 100)}". This endpoint uses "aws4_request".`
  return 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
}

/** Each name may be there once, so that the text to sign is not longer than the headers, whose size is limited. */
function parseSignedHeaders(text: string, code: MalformedCode): string[] {
  const names = text.split(';')
  if (names.some((name) => !/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)))
    throw new AwsError(code, 'SignedHeaders must be lower-case header names joined by semicolons')
  if (new Set(names).size !== names.length)
    throw new AwsError(code, 'SignedHeaders has a name twice')
  return names
}

/** @throws {AwsError} `SignatureDoesNotMatch`, unless the text is 64 lower-case hex digits. */
export function parseSignatureText(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new AwsError(
      'SignatureDoesNotMatch',
      'the signature must be 64 lower-case hexadecimal digits',
    )
  }
  return text
}

function readHeaderDate(message: SignedMessage): string {
  const amzDate = message.headers.get('x-amz-date')
  if (amzDate !== undefined && amzDateForm.test(amzDate)) return amzDate
  const instantMs =
    amzDate === undefined ? Date.parse(message.headers.get('date') ?? '') : Number.NaN
  if (!Number.isNaN(instantMs)) return formatAmzDate(instantMs)
  const reason =
    'a signed request needs an X-Amz-Date that reads yyyymmddThhmmssZ, or a Date header'
  throw new AwsError('AccessDenied', reason, {
    sentence: 'AWS authentication requires a valid Date or x-amz-date header',
  })
}

/** @throws {AwsError} `code`, unless the text is `yyyymmddThhmmssZ`. */
export function checkAmzDate(text: string, code: MalformedCode): string {
  if (!amzDateForm.test(text))
    throw new AwsError(code, 'X-Amz-Date must read yyyymmddThhmmssZ', {
      sentence: `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`,
    })
  return text
}
