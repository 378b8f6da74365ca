/**
 * The STS documents in both directions: the server writes them, the client reads them and those of every MinIO version.
 * Elements, order and namespace are those of the newest MinIO (AWS's, except that it has `AssumeRoleId`
 * for `AssumedRoleId`: both are written).
 */
import { StsCliError } from '../base/errors.ts'
import { AwsError } from './aws-error.ts'
import type { TemporaryCredentials } from './credentials.ts'
import { parseAnswerJson } from './parse-answer-json.ts'
import { parseAnswerXml } from './parse-answer-xml.ts'
import { childText, escapeXml, type XmlNode } from './xml.ts'

export const stsVersion = '2011-06-15'
const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/'
const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** The largest accepted answer: MinIO's are under 20 kB. */
const maxAnswerBytes = 1024 * 1024

export interface CallerIdentity {
  readonly account: string
  readonly arn: string
  readonly userId: string
}

/** The session in AWS's form (AssumedRoleUser). */
export interface AssumedRole {
  readonly arn: string
  /** The role's id, a colon and the session's name. */
  readonly id: string
}

export interface StsResult {
  /** Filled by AWS; empty at MinIO. */
  readonly assumedRole?: AssumedRole
  readonly credentials?: TemporaryCredentials
  /** The subject of the token, which ClientGrants and WebIdentity return. */
  readonly subject?: string
  /** The client that the token was issued to, and its issuer (at AWS also the ARN of the provider in IAM): for WebIdentity; MinIO leaves them out. */
  readonly audience?: string | undefined
  readonly provider?: string | undefined
  readonly callerIdentity?: CallerIdentity
  /** What AssumeRole says back of the parameter. */
  readonly sourceIdentity?: string | undefined
  /** The user of GetFederationToken. */
  readonly federatedUser?: AssumedRole
  /** The account of an access key (GetAccessKeyInfo). */
  readonly account?: string
  /** What DecodeAuthorizationMessage returns: JSON. */
  readonly decodedMessage?: string
  /** The share of the room for session policies and tags that they take, in percent. */
  readonly packedPolicySize?: number | undefined
  /** The user of a custom token: `custom:` and the identity plugin's user. */
  readonly assumedUser?: string
}

/** A result as a client reads it: `requestId` is absent from a server of 2018. */
export interface StsAnswer extends StsResult {
  readonly requestId: string | undefined
}

// ClientGrants and WebIdentity use different names for the subject; the other actions have none.
const subjectElements: Readonly<Record<string, string>> = {
  AssumeRoleWithClientGrants: 'SubjectFromToken',
  AssumeRoleWithWebIdentity: 'SubjectFromWebIdentityToken',
}
const actionsWithAssumedRole = new Set([
  'AssumeRoleWithClientGrants',
  'AssumeRoleWithWebIdentity',
  'AssumeRole',
])

/** Returns the success document of an action. */
export function encodeStsSuccess(action: string, result: StsResult, requestId: string): string {
  let inner = ''
  if (actionsWithAssumedRole.has(action)) {
    const { arn = '', id = '' } = result.assumedRole ?? {}
    const ids = `<AssumeRoleId>${escapeXml(id)}</AssumeRoleId><AssumedRoleId>${escapeXml(id)}</AssumedRoleId>`
    inner += `<AssumedRoleUser><Arn>${escapeXml(arn)}</Arn>${ids}</AssumedRoleUser>`
  }
  const isWebIdentity = action === 'AssumeRoleWithWebIdentity'
  if (isWebIdentity) inner += encodeOptional('Audience', result.audience)
  if (result.credentials !== undefined) inner += encodeCredentials(result.credentials)
  if (isWebIdentity) inner += encodeOptional('Provider', result.provider)
  if (result.sourceIdentity !== undefined)
    inner += `<SourceIdentity>${escapeXml(result.sourceIdentity)}</SourceIdentity>`
  if (result.packedPolicySize !== undefined)
    inner += `<PackedPolicySize>${result.packedPolicySize}</PackedPolicySize>`
  if (result.federatedUser !== undefined) {
    const { arn, id } = result.federatedUser
    inner += `<FederatedUser><FederatedUserId>${escapeXml(id)}</FederatedUserId><Arn>${escapeXml(arn)}</Arn></FederatedUser>`
  }
  if (result.account !== undefined) inner += `<Account>${escapeXml(result.account)}</Account>`
  if (result.decodedMessage !== undefined)
    inner += `<DecodedMessage>${escapeXml(result.decodedMessage)}</DecodedMessage>`
  const subjectElement = subjectElements[action]
  if (subjectElement !== undefined && result.subject !== undefined) {
    inner += `<${subjectElement}>${escapeXml(result.subject)}</${subjectElement}>`
  }
  if (result.assumedUser !== undefined)
    inner += `<AssumedUser>${escapeXml(result.assumedUser)}</AssumedUser>`
  if (result.callerIdentity !== undefined) {
    const { arn, userId, account } = result.callerIdentity
    inner += `<Arn>${escapeXml(arn)}</Arn><UserId>${escapeXml(userId)}</UserId><Account>${escapeXml(account)}</Account>`
  }
  return `${declaration}<${action}Response xmlns="${namespace}"><${action}Result>${inner}</${action}Result><ResponseMetadata><RequestId>${escapeXml(requestId)}</RequestId></ResponseMetadata></${action}Response>`
}

function encodeOptional(name: string, text: string | undefined): string {
  return text === undefined ? '' : `<${name}>${escapeXml(text)}</${name}>`
}

function encodeCredentials(credentials: TemporaryCredentials): string {
  return `<Credentials><AccessKeyId>${escapeXml(credentials.accessKeyId)}</AccessKeyId><SecretAccessKey>${escapeXml(credentials.secretAccessKey)}</SecretAccessKey><SessionToken>${escapeXml(credentials.sessionToken)}</SessionToken><Expiration>${escapeXml(credentials.expirationText)}</Expiration></Credentials>`
}

/** Returns the error document; `Type` is always present and always empty, as in MinIO. */
export function encodeStsError(error: AwsError, requestId: string): string {
  return `${declaration}<ErrorResponse xmlns="${namespace}"><Error><Type></Type><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message></Error><RequestId>${escapeXml(requestId)}</RequestId></ErrorResponse>`
}

/**
 * Parses an STS's answer to `action`.
 *
 * @param status The HTTP status. A status other than 200 is a refusal.
 * @throws {AwsError} The server refused, in an STS document or (MinIO, when no STS route matched) an S3 one.
 * @throws {StsCliError} `ERR_PROTOCOL`: the answer is not such a document, or parts are missing.
 */
export function decodeStsAnswer(action: string, status: number, body: string): StsAnswer {
  const root = parseAnswer(status, body)
  const refusal = decodeRefusal(root, status)
  if (refusal !== undefined) throw refusal
  const result = root.children.find((child) => child.name === `${action}Result`)
  if (status !== 200 || root.name !== `${action}Response` || result === undefined) {
    throw stsAnswerError(status, `a ${root.name} document instead of ${action}Response`)
  }
  const metadata = root.children.find((child) => child.name === 'ResponseMetadata')
  const requestId = metadata === undefined ? undefined : childText(metadata, 'RequestId')
  const subject = childText(result, subjectElements[action] ?? '')
  const assumedUser = childText(result, 'AssumedUser')
  const assumedRole = decodeAssumedRole(result)
  const provider = childText(result, 'Provider')
  return {
    requestId,
    ...(assumedRole === undefined ? {} : { assumedRole }),
    ...(provider === undefined || provider === '' ? {} : { provider }),
    ...(assumedUser === undefined ? {} : { assumedUser }),
    ...(subject === undefined ? {} : { subject }),
    ...(action === 'GetCallerIdentity'
      ? { callerIdentity: decodeIdentity(result, status) }
      : { credentials: decodeCredentials(result, status) }),
  }
}

/** Parses the document: XML, or the JSON that AWS's STS sends to clients that accept JSON before XML. */
function parseAnswer(status: number, body: string): XmlNode {
  const json = parseAnswerJson(body, { maxBytes: maxAnswerBytes })
  if (json !== undefined) return json
  if (body.trim() === '') throw stsAnswerError(status, 'an empty body')
  if (/^\s*(<!doctype html|<html)/i.test(body)) throw stsAnswerError(status, 'an HTML page')
  try {
    return parseAnswerXml(body, { maxBytes: maxAnswerBytes, maxDepth: 16 })
  } catch (cause) {
    throw stsAnswerError(
      status,
      body.trimStart().startsWith('{') ? 'JSON' : 'something that is not an XML document',
      cause,
    )
  }
}

/** Returns the error of an STS `ErrorResponse` or an S3 `Error`. Some put a list `Errors` around it, as EC2 does; AWS's SDKs read that too. */
function decodeRefusal(root: XmlNode, status: number): AwsError | undefined {
  const list = root.children.find((child) => child.name === 'Errors') ?? root
  const isWrapped = root.name === 'ErrorResponse' || root.name === 'Response'
  const error = isWrapped ? list.children.find((child) => child.name === 'Error') : root
  if (error === undefined || error.name !== 'Error') return undefined
  const code = childText(error, 'Code')
  if (code === undefined || code === '') return undefined
  const requestId = childText(root, 'RequestId')
  return new AwsError(code, childText(error, 'Message') ?? '', {
    status,
    ...(requestId === undefined || requestId === '' ? {} : { requestId }),
  })
}

/** Returns who the session is; undefined where the STS says it with empty elements (MinIO), or not at all. */
function decodeAssumedRole(result: XmlNode): AssumedRole | undefined {
  const user = result.children.find((child) => child.name === 'AssumedRoleUser')
  const arn = user === undefined ? undefined : childText(user, 'Arn')?.trim()
  if (user === undefined || arn === undefined || arn === '') return undefined
  return { arn, id: childText(user, 'AssumedRoleId') ?? childText(user, 'AssumeRoleId') ?? '' }
}

function decodeCredentials(result: XmlNode, status: number): TemporaryCredentials {
  const node = result.children.find((child) => child.name === 'Credentials')
  if (node === undefined) throw stsAnswerError(status, 'an answer without Credentials')
  const required = (name: string): string => {
    const text = childText(node, name)?.trim()
    if (text === undefined || text === '')
      throw stsAnswerError(status, `Credentials without ${name}`)
    return text
  }
  const expirationText = required('Expiration')
  const expiration = new Date(expirationText)
  if (Number.isNaN(expiration.getTime()))
    throw stsAnswerError(status, 'an Expiration that is not a date')
  return {
    accessKeyId: required('AccessKeyId'),
    secretAccessKey: required('SecretAccessKey'),
    sessionToken: required('SessionToken'),
    expiration,
    expirationText,
  }
}

function decodeIdentity(result: XmlNode, status: number): CallerIdentity {
  const arn = childText(result, 'Arn')
  if (arn === undefined) throw stsAnswerError(status, 'an identity without Arn')
  return {
    arn,
    userId: childText(result, 'UserId') ?? '',
    account: childText(result, 'Account') ?? '',
  }
}

function stsAnswerError(status: number, what: string, cause?: unknown): StsCliError {
  return new StsCliError('sts-answer-invalid', `the STS answered with ${what}`, {
    stage: 'sts',
    httpStatus: status,
    cause,
  })
}
