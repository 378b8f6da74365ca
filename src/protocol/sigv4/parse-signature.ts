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
  if (!authorization.startsWith(`${algorithm} `)) {
    throw new AwsError(
      'InvalidRequest',
      `the Authorization scheme is not supported; use ${algorithm}`,
    )
  }
  const fields = authorization
    .slice(algorithm.length + 1)
    .split(',')
    .map((field) => field.trim())
  if (fields.length !== 3) {
    throw new AwsError(
      'MissingFields',
      'the Authorization header must hold Credential, SignedHeaders and Signature',
    )
  }
  const [credential, signedHeaders, signature] = [
    'Credential=',
    'SignedHeaders=',
    'Signature=',
  ].map((prefix) => {
    const field = fields.find((candidate) => candidate.startsWith(prefix))
    if (field === undefined)
      throw new AwsError('MissingFields', `the Authorization header has no ${prefix.slice(0, -1)}`)
    return field.slice(prefix.length)
  })
  const { accessKeyId, scope } = parseCredential(credential ?? '', 'AuthorizationHeaderMalformed')
  return {
    form: 'header',
    accessKeyId,
    scope,
    amzDate: readHeaderDate(message),
    signedHeaders: parseSignedHeaders(signedHeaders ?? '', 'AuthorizationHeaderMalformed'),
    signature: parseSignatureText(signature ?? ''),
    expiresSeconds: undefined,
    payloadHash: message.headers.get('x-amz-content-sha256') ?? emptySha256,
    sessionToken: message.headers.get('x-amz-security-token') ?? query.get('X-Amz-Security-Token'),
  }
}

function parsePresigned(query: Query, message: SignedMessage): ParsedSignature {
  const code = 'AuthorizationQueryParametersError'
  const required = (name: string): string => {
    const value = query.get(name)
    if (value === undefined || value === '') throw new AwsError(code, `the query has no ${name}`)
    return value
  }
  if (required('X-Amz-Algorithm') !== algorithm)
    throw new AwsError(code, `X-Amz-Algorithm must be ${algorithm}`)
  const { accessKeyId, scope } = parseCredential(required('X-Amz-Credential'), code)
  const expiresText = required('X-Amz-Expires')
  const expiresSeconds = Number(expiresText)
  if (!/^\d{1,7}$/.test(expiresText) || expiresSeconds > maxExpiresSeconds) {
    throw new AwsError(
      code,
      `X-Amz-Expires must be a number of seconds from 0 to ${maxExpiresSeconds}`,
    )
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

/** The code of a signature that cannot be read: the first in headers, the second in a query or a form. */
export type MalformedCode = 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError'

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
    throw new AwsError(code, 'the credential must read KEY/yyyymmdd/REGION/SERVICE/aws4_request')
  }
  return { accessKeyId, scope: { date, region, service } }
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
  if (amzDate !== undefined) return checkAmzDate(amzDate, 'AuthorizationHeaderMalformed')
  const instantMs = Date.parse(message.headers.get('date') ?? '')
  if (Number.isNaN(instantMs)) {
    throw new AwsError('AccessDenied', 'a signed request needs an X-Amz-Date or a Date header')
  }
  return formatAmzDate(instantMs)
}

/** @throws {AwsError} `code`, unless the text is `yyyymmddThhmmssZ`. */
export function checkAmzDate(text: string, code: MalformedCode): string {
  if (!/^\d{8}T\d{6}Z$/.test(text))
    throw new AwsError(code, 'X-Amz-Date must read yyyymmddThhmmssZ')
  return text
}
